//! Passes the project's version, kept in `pyproject.toml` only, to the crate as `HIPFLASK_VERSION`.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let project = Path::new("../pyproject.toml");
    println!("cargo::rerun-if-changed={}", project.display());
    let text = fs::read_to_string(project)?;
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.split('"').next())
        .ok_or("pyproject.toml has no line that begins with `version = \"`")?;
    println!("cargo::rustc-env=HIPFLASK_VERSION={version}");
    Ok(())
}
