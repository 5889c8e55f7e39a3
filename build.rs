//! Tells the linker where a program with training finds libtorch when it runs.

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    if let (Ok(_), Ok(libtorch)) = (std::env::var("CARGO_FEATURE_TRAIN"), std::env::var("LIBTORCH")) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
}
