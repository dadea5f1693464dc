# One page of a socket book, live, in C and in Rust. `make help` lists what can be made.

export CARGO_TARGET_DIR := $(CURDIR)/target

# Linked static where there is a static C library: fork then copies half the mappings.
LINK ?= $(if $(wildcard $(shell $(CC) -print-file-name=libc.a 2>/dev/null)),static,dynamic)
export CARGO_BUILD_RUSTFLAGS = $(if $(filter static,$(LINK)),-C target-feature=+crt-static)

CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
STANDARD := -std=c11 -D_GNU_SOURCE -Ic-reference/include
WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow
C_SOURCES := $(wildcard c-reference/*.c c-reference/*/*.c)
C_PROGRAM := target/c-reference/reuseaddr
SANITIZED := $(CURDIR)/target/sanitize
COMPARE = $$(cargo test --release --no-run --test compare 2>&1 | sed -n 's/.*(\(.*\))$$/\1/p')
NO_CC := no C compiler ($(CC)): apt-get install gcc libc6-dev

.PHONY: compare build test load trace study bench kernels sanitize lint install uninstall help clean c
.DEFAULT_GOAL := compare

compare: ## every claim of the page in both builds; SLOW=1, WITH=PROGRAM
	$(call need,$(COMPILER) strace:strace)
	@$(MAKE) --silent build
	@cargo build --release --test compare
	@exec "$(COMPARE)"

build: ## both builds, in target/c-reference/ and target/release/
	$(call need,$(COMPILER))
	@$(MAKE) --silent c
	@cargo build --release

# memcheck sees less of a static program.
test: LINK := dynamic
test: ## all tests, the claims among them
	$(call need,$(COMPILER) strace:strace ss:iproute2 telnet:telnet nc:netcat-openbsd valgrind:valgrind)
	@cargo test

load: ## hostile clients, a flood, restarts under load; what was measured
	$(call need,$(COMPILER))
	@cargo test --quiet --release --test suite -- load:: --nocapture

bench: ## speed, memory and the gap, against others; ROUNDS=N CSV=FILE SLOW=1
	$(call need,$(COMPILER) socat:socat tcpserver:ucspi-tcp ncat:ncat)
	@$(MAKE) --silent build
	@cargo bench --quiet --bench bench

kernels: ## the claims on this kernel and on Debian's user-mode-linux
	$(call need,$(COMPILER) strace:strace linux.uml:user-mode-linux ip:iproute2)
	@$(MAKE) --silent build
	@cargo build --release --test compare
	@COMPARE="$(COMPARE)" cargo test --quiet --release --test kernels

sanitize: LINK := dynamic
sanitize: ## the C under ASan and UBSan, both builds under valgrind
	$(call need,$(COMPILER) strace:strace ss:iproute2 telnet:telnet nc:netcat-openbsd valgrind:valgrind)
	@$(MAKE) --silent build LINK=dynamic C_PROGRAM=$(SANITIZED)/plain/reuseaddr
	@cargo build --release --test compare
	@rm -rf $(SANITIZED)/found.* && mkdir -p $(SANITIZED)/asan
	$(CC) $(STANDARD) $(WARNINGS) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	    -fno-sanitize-recover=all -o $(SANITIZED)/asan/reuseaddr $(C_SOURCES)
	@for build in c:$(SANITIZED)/plain/reuseaddr rust:$(CURDIR)/target/release/reuseaddr; do \
	    printf '#!/bin/sh\nexec valgrind --quiet --error-exitcode=9 --log-file=%s.%%p %s "$$@"\n' \
	        '$(SANITIZED)/found.valgrind' "$${build#*:}" >$(SANITIZED)/$${build%%:*}-valgrind; \
	done; chmod +x $(SANITIZED)/*-valgrind
	@# handle_segv: R2 is tried with SIGSEGV. Leaks: not under strace, which takes ptrace as well. And no
	@# sanitizer starts without /proc.
	@export ASAN_OPTIONS=handle_segv=0:log_path=$(SANITIZED)/found.asan; set -e; \
	for words in rules 'rules --all' abi; do $(SANITIZED)/asan/reuseaddr $$words >/dev/null; done; \
	export ASAN_OPTIONS=$$ASAN_OPTIONS:detect_leaks=0; \
	for build in asan/reuseaddr c-valgrind rust-valgrind; do WITH=$(SANITIZED)/$$build "$(COMPARE)"; done; \
	export C_BUILD=$(SANITIZED)/asan/reuseaddr; \
	cargo test --release --test suite -- usage:: serve:: security:: load::; \
	cargo test --release --test explain -- --skip without_proc; \
	export C_BUILD=$(SANITIZED)/c-valgrind RUST_BUILD=$(SANITIZED)/rust-valgrind; \
	cargo test --release --test suite -- serve:: load::kinds::; \
	unset C_BUILD RUST_BUILD; cargo test --release --test suite -- memory::
	@! grep -h '^==' $(SANITIZED)/found.* && echo 'sanitize: nothing found'

trace: ## the system calls of both builds side by side
	$(call need,$(COMPILER) strace:strace)
	@COLUMNS=$${COLUMNS:-$$(tput cols 2>/dev/null)} cargo test --quiet --release --test suite -- trace:: --nocapture

study: ## C and Rust side by side: target/study.html, and here in two columns
	$(call need,$(COMPILER) strace:strace)
	@rm -f target/study.html
	@STUDY=1 COLUMNS=$${COLUMNS:-$$(tput cols 2>/dev/null)} cargo test --release --test study

lint: ## formatting, clippy, rustdoc, gcc and its analyzer; a finding is an error
	$(call need,gcc:gcc$(comma)libc6-dev)
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps
	@mkdir -p $(dir $(C_PROGRAM))
	gcc $(STANDARD) $(WARNINGS) -Werror -fanalyzer -O2 -o $(C_PROGRAM).lint $(C_SOURCES)
	gcc $(STANDARD) $(WARNINGS) -Werror -fanalyzer -O2 -o $(C_PROGRAM).lint tests/bench/limit.c

install: ## the Rust build in $(DESTDIR)$(PREFIX)/bin
	@test -x target/release/reuseaddr || $(MAKE) --silent build
	install -D -m 755 target/release/reuseaddr $(DESTDIR)$(PREFIX)/bin/reuseaddr

uninstall: ## remove it from there
	rm -f $(DESTDIR)$(PREFIX)/bin/reuseaddr

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 11

clean: ## remove target/
	rm -rf target

c: $(C_PROGRAM)

# Under another name first: a build that runs is not overwritten, and two makes do not mix.
$(C_PROGRAM): $(C_SOURCES) $(wildcard c-reference/include/*.h c-reference/include/*/*.h) Makefile $(dir $(C_PROGRAM))linked-$(LINK)
	@command -v $(firstword $(CC)) >/dev/null || { echo '$(NO_CC)' >&2; exit 1; }
	$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(if $(filter static,$(LINK)),-static-pie -fPIE) -o $@.$$$$ $(C_SOURCES) && mv $@.$$$$ $@

# It is made anew where the last one was linked otherwise.
$(dir $(C_PROGRAM))linked-%:
	@mkdir -p $(@D) && rm -f $(@D)/linked-* && touch $@

# $(call need,PROGRAM:PACKAGE[,PACKAGE]...) installs the Debian packages of the programs that are
# missing, where it may; elsewhere it says what to type. Debian's own Rust is new enough from
# version 13 on: it is installed where there is none, and an old one is left to its owner.
comma := ,
COMPILER := $(firstword $(CC)):gcc$(comma)libc6-dev
define need
@set -- $(1); packages=; \
new_enough() { [ "$$(printf '%s\n' 1.85 "$$1" | sort -V | head -n 1)" = 1.85 ]; }; \
for pair; do command -v "$${pair%%:*}" >/dev/null || packages="$$packages $${pair#*:}"; done; \
packages=$$(echo $$packages | tr ',' ' '); \
cargo=$$(cargo --version 2>/dev/null | cut -d ' ' -f 2); \
if ! new_enough "$$cargo"; then \
    candidate=$$(apt-cache policy cargo 2>/dev/null | sed -n 's/ *Candidate: //p'); \
    if [ -n "$$cargo" ] || ! new_enough "$$candidate"; then \
        echo "Rust 1.85 or newer is needed (cargo here: $${cargo:-none}): see https://rustup.rs" >&2; exit 1; \
    fi; \
    packages="$$packages cargo"; \
fi; \
if [ -n "$$packages" ]; then \
    sudo=; \
    if [ "$$(id -u)" != 0 ]; then sudo='sudo -n'; fi; \
    if ! command -v apt-get >/dev/null; then \
        echo "missing (by Debian's names): $$packages" >&2; exit 1; \
    elif ! $$sudo true 2>/dev/null; then \
        echo "missing; type: sudo apt-get install $$packages" >&2; exit 1; \
    fi; \
    echo "installing $$packages" >&2; \
    $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends $$packages >&2; \
fi
endef
