//! The reader of hls4ml's configurations and typedefs, on any bytes: what it reads is applied to networks, and what that gives
//! is a network that holds together or a user's error.
//!
//! `$NETWORKS` names model files, separated by colons; their layers' names are those of the configurations of tests/data/hls4ml.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotrig::error::{Kind, Result};
use nanotrig::frontends;
use nanotrig::network::Network;
use nanotrig::precision::{self, Precision};
use std::path::Path;
use std::sync::LazyLock;

static NETWORKS: LazyLock<Vec<Network>> = LazyLock::new(|| {
    let list = std::env::var("NETWORKS").expect("$NETWORKS names the models");
    list.split(':').map(|path| frontends::read(Path::new(path), None).expect("a network")).collect()
});

fn applied(network: &Network, precision: &Precision) -> Result<()> {
    precision::apply(network, precision)?.validate()
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let precision = match Precision::parse(text) {
        Ok(precision) => precision,
        Err(error) => return assert_eq!(error.kind, Kind::User, "{error}"),
    };
    for network in &*NETWORKS {
        if let Err(error) = applied(network, &precision) {
            assert_eq!(error.kind, Kind::User, "{error}");
        }
    }
});
