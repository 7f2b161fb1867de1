//! Links the unwinder into the program, where systems with glibc bring it as a library of its own.
//!
//! `libgcc_s.so.1` is wanted for the backtrace of a panic and for nothing else, yet the loader maps and binds it before
//! each `main`, and a system without a compiler may not have it. gcc has the same code as an archive (docs/adr/0016).

use std::env;
use std::path::Path;
use std::process::Command;

const ARCHIVE: &str = "libgcc_eh.a";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && has_archive() {
        println!("cargo:rustc-link-lib=static:-bundle,+verbatim={ARCHIVE}");
    }
}

fn is(name: &str, value: &str) -> bool {
    env::var_os(name).is_some_and(|it| it == value)
}

/// Whether the compiler that links knows the archive: then it says where it is. Without, rustc's choice stands.
fn has_archive() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker)
        .arg(format!("-print-file-name={ARCHIVE}"))
        .output();
    asked.is_ok_and(|said| Path::new(&*String::from_utf8_lossy(&said.stdout)).is_absolute())
}
