# One page of a socket book, in C and in Rust. `make help` lists the targets.

CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
# fork(2) is faster in a static program. Without a libc.a, gcc prints this bare name.
LINK ?= $(if $(filter libc.a,$(shell $(CC) -print-file-name=libc.a 2>/dev/null)),dynamic,static)
$(if $(filter $(LINK),static dynamic),,$(error LINK is static or dynamic, not '$(LINK)'))

export CARGO_TARGET_DIR := $(CURDIR)/target
unexport CARGO_BUILD_TARGET
# Of cargo's settings for flags, only CARGO_ENCODED_RUSTFLAGS comes before RUSTFLAGS.
$(if $(CARGO_ENCODED_RUSTFLAGS),$(error Use RUSTFLAGS instead of CARGO_ENCODED_RUSTFLAGS))
override RUSTFLAGS += $(if $(filter static,$(LINK)),-C target-feature=+crt-static)
export RUSTFLAGS

C_FLAGS := -std=c11 -D_GNU_SOURCE -Ic-reference/include
C_FLAGS += -Wall -Wextra -Wpedantic -Wconversion -Wshadow
# musl-gcc does not search the folders of the kernel headers.
C_FLAGS += $(if $(findstring musl,$(CC)),$(addprefix -idirafter /usr/include,/ /$(shell gcc -print-multiarch)))
C_ALL := $(wildcard c-reference/*.c c-reference/*/*.c tests/bench/*.c)
C_SOURCES := $(filter-out c-reference/porting/% tests/%,$(C_ALL))
C_HEADERS := $(wildcard c-reference/include/*.h c-reference/include/*/*.h)
C_PROGRAM := target/c-reference/reuseaddr
PORTING := $(patsubst c-reference/%.c,target/c-reference/%,$(wildcard c-reference/porting/*.c))
C_COMMAND = $(CC) $(C_FLAGS) $(CFLAGS) $(if $(filter static,$(LINK)),-static-pie -fPIE) $(C_SOURCES)

NEED := @sh tests/packages.sh cc:gcc,libc6-dev
FOR_TESTS := strace:strace ss:iproute2 telnet:telnet valgrind:valgrind

.DEFAULT_GOAL := compare
.PHONY: all build c porting compare check test load trace study bench kernels oncall sanitize mutants \
    lint install uninstall help clean FORCE
.NOTPARALLEL: # cargo uses all cores, and apt-get runs only once at a time

all: build
build: ## both builds: target/c-reference/reuseaddr, target/release/reuseaddr
	$(NEED)
	@$(MAKE) --silent c
	@cargo build --release

porting: $(PORTING) ## build the C programs of the porting reference: target/c-reference/porting

compare: ## check each claim of the page in both builds; SLOW=1, WITH=PROGRAM
	$(NEED) strace:strace
	@$(MAKE) --silent c
	@cargo test --release --test compare

test sanitize mutants: LINK := dynamic # valgrind sees less of a static program
check: test
test: ## run all tests and the report of make compare
	$(NEED) $(FOR_TESTS)
	@cargo test
sanitize: ## run the C build under ASan and UBSan
	$(NEED) $(FOR_TESTS)
	@sh tests/sanitize.sh

load: ## serve hostile clients, 10,000 clients, and clients during restarts
	$(NEED)
	@cargo test --quiet --release --test suite -- --nocapture load::
trace: ## show the system calls of both builds, or compare A=PROGRAM, B=PROGRAM
	$(NEED) strace:strace
	@cargo test --quiet --release --test $(if $(A)$(B),porting -- --ignored,suite --) --nocapture trace::
study: ## show C and Rust side by side, here and in target/study.html; OF=NAME
	$(NEED) strace:strace
	@rm -f target/study.html
	@STUDY=$(or $(OF),serve) COLUMNS=$${COLUMNS:-$$(tput cols 2>/dev/null)} \
	    cargo test --quiet --release --test study
bench: ## measure speed, memory and downtime, and the cost of explain; ROUNDS=N
	$(NEED) socat:socat strace:strace ss:iproute2
	@cargo bench --bench bench
kernels: ## test the rule and both builds on other kernels, and on a big-endian machine
	$(NEED) qemu-system-x86_64:qemu-system-x86 qemu-system-s390x:qemu-system-misc \
	    s390x-linux-gnu-gcc:gcc-s390x-linux-gnu,libc6-dev-s390x-cross cpio:cpio xz:xz-utils \
	    nc.openbsd:netcat-openbsd
	@$(MAKE) --silent build LINK=static
	@sh tests/kernels.sh
oncall: export PATH := $(PATH):/usr/sbin:/sbin
oncall: ## act on what explain prints, with nginx, redis, haproxy and node
	$(NEED) nginx:nginx redis-server:redis-server haproxy:haproxy node:nodejs python3:python3 \
	    nc.openbsd:netcat-openbsd ss:iproute2
	@$(MAKE) --silent c
	@cargo build --quiet --release
	@sh tests/oncall.sh
mutants: ## measure how many inserted bugs the tests detect; ONLY=TEXT
	$(NEED) $(FOR_TESTS)
	@sh tests/mutants.sh

lint: ## check the formatting, and the sources with clippy, rustdoc and gcc
	$(NEED) gcc:gcc,libc6-dev cargo-fmt:rustfmt cargo-clippy:rust-clippy
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps
	set -e; for c in $(C_ALL); do gcc $(C_FLAGS) -Werror -fanalyzer -O2 -S -o /dev/null $$c; done
	if command -v clang; then clang $(C_FLAGS) -Werror -fsyntax-only $(C_ALL); fi
	if command -v shellcheck; then shellcheck .ci/run tests/*.sh; fi
	if command -v mandoc; then mandoc -T lint -W warning src/reuseaddr.1; fi

install: build ## copy the Rust build to $(DESTDIR)$(PREFIX)/bin, and its man page
	install -D -m 755 target/release/reuseaddr "$(DESTDIR)$(PREFIX)/bin/reuseaddr"
	install -D -m 644 src/reuseaddr.1 "$(DESTDIR)$(PREFIX)/share/man/man1/reuseaddr.1"
uninstall: ## remove both from there
	rm -f "$(DESTDIR)$(PREFIX)/bin/reuseaddr" "$(DESTDIR)$(PREFIX)/share/man/man1/reuseaddr.1"
help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 11
clean: ## remove target/
	rm -rf target

c: $(C_PROGRAM)
# Written under another name first: a build that runs is not overwritten, and two makes do not mix.
$(C_PROGRAM): $(C_SOURCES) $(C_HEADERS) $(C_PROGRAM).command
	$(C_COMMAND) -o $@.$$$$ && mv $@.$$$$ $@
# Linked dynamically: in a static program, getaddrinfo(3) needs glibc's shared libraries as well.
target/c-reference/porting/%: c-reference/porting/%.c
	$(NEED)
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) $(CFLAGS) $< -o $@.$$$$ && mv $@.$$$$ $@
# This file changes only when the command does. target may be a dangling symbolic link.
$(C_PROGRAM).command: export COMMAND = $(C_COMMAND)
$(C_PROGRAM).command: FORCE
	@mkdir -p "$$(readlink -m $(@D))"
	@echo "$$COMMAND" | cmp -s - $@ || echo "$$COMMAND" >$@
