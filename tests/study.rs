//! `make study`: C and Rust side by side, as pages, if the files of each pair match, README.md matches the code, and
//! both builds make the same system calls.

mod columns;
mod counterparts;
mod page;
mod readme;
mod story;

use crate::support::*;

#[test]
fn c_and_rust_match_and_are_shown_side_by_side() -> Result<()> {
    // If this run fails, the pages of an earlier run must not remain.
    let (path, folder) = (project("target/study.html"), project("target/study"));
    let _ = (fs::remove_file(&path), fs::remove_dir_all(&folder));
    let mut wrong = Vec::new();
    let pairs = counterparts::read_pairs(&mut wrong);
    let claims = readme::read_claims(&pairs[0], &mut wrong);
    assert!(wrong.is_empty(), "no page:\n{}", wrong.join("\n"));
    let calls = story::trace_steps(&pairs[0])?;
    fs::create_dir_all(&folder).map_err(text)?;
    for pair in &pairs[1..] {
        fs::write(folder.join(pair.page()), page::other(pair)).map_err(text)?;
    }
    fs::write(&path, page::serve(&pairs, &calls, &claims)?).map_err(text)?;
    println!("study: {}", path.display());
    Ok(())
}
