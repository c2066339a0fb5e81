//! Keeps the section in which pgrx describes the SQL objects; the linker would drop it as unused.

fn main() {
    println!("cargo:rustc-link-arg-cdylib=-Wl,--no-gc-sections");
    println!("cargo:rerun-if-changed=build.rs");
}
