//! The test that holds the twins together: same functions, same steps, and a README that names them.

#[allow(dead_code)] // the page will use the rest
mod readme;
#[allow(dead_code)]
mod source;
#[allow(dead_code)]
mod twins;

use std::process::ExitCode;

fn main() -> ExitCode {
    match study() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reasons) => {
            for reason in reasons {
                eprintln!("study: {reason}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Checks and counts; or says what does not match.
fn study() -> Result<(), Vec<String>> {
    let mut wrong = Vec::new();
    let twins = twins::read_twins(&mut wrong);
    readme::read_claims(&twins, &mut wrong);
    readme::check_porting(&twins, &mut wrong);
    if !wrong.is_empty() {
        wrong.dedup(); // several rows of the README may name the same
        return Err(wrong);
    }

    let parts = twins.iter().flat_map(|twin| &twin.rust.parts);
    println!(
        "study: {} twins, {} functions, {} steps",
        twins.len(),
        twins
            .iter()
            .map(|twin| twin.rust.functions().len())
            .sum::<usize>(),
        parts.filter(|part| part.step.is_some()).count()
    );
    Ok(())
}
