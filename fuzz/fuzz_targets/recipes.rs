//! The reader of recipes, on any bytes: a training, and a search of quantizers for a network, or a user's error.
//!
//! `$NETWORK` is the file of the network.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotrig::compiler::Reading;
use nanotrig::error::{Error, Kind, Result};
use nanotrig::frontends;
use nanotrig::network::Network;
use nanotrig::searches::Config;
use nanotrig::searches::worker::Search;
use nanotrig::training::Recipe;
use std::path::PathBuf;
use std::sync::LazyLock;

static NETWORK: LazyLock<Network> = LazyLock::new(|| {
    let path = PathBuf::from(std::env::var_os("NETWORK").expect("$NETWORK names a network"));
    frontends::read(&path, None).expect("a network")
});

fn search(table: toml::Value) -> Result<()> {
    let config: Config = table.try_into().map_err(|error: toml::de::Error| Error::user(error.to_string(), ""))?;
    Search::new(config, NETWORK.clone(), &Reading::default()).map(drop)
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let found = match text.parse::<toml::Table>() {
        Ok(mut table) => match table.remove("search") {
            Some(own) => search(own).and(Recipe::parse(&table.to_string()).map(drop)),
            None => Recipe::parse(text).map(drop),
        },
        Err(_) => Recipe::parse(text).map(drop),
    };
    if let Err(error) = found {
        assert_eq!(error.kind, Kind::User, "{error}");
    }
});
