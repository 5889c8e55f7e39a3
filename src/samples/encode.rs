//! Samples of networks whose host makes bits of features.

use super::{Samples, codes, read};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::port::{Port, Thermometer};
use std::path::Path;

/// The input codes of a file's samples; `thermometers` has the encoder of each port that has one.
///
/// Samples for such ports are features, or the bits that the port carries: told apart by how many columns there are.
///
/// # Errors
/// Those of [`read`] and [`codes`].
pub fn inputs(path: &Path, ports: &[Port], thermometers: &[Option<Thermometer>]) -> Result<Batch> {
    if thermometers.iter().all(Option::is_none) {
        return codes(&read(path, ports)?, ports);
    }
    match read(path, &features(ports, thermometers)) {
        Ok(samples) => encode(&samples, ports, thermometers),
        Err(error) => read(path, ports).map_err(|_| error).and_then(|samples| codes(&samples, ports)),
    }
}

/// The ports as the host's user sees them.
fn features(ports: &[Port], thermometers: &[Option<Thermometer>]) -> Vec<Port> {
    let one = |(port, thermometer): (&Port, &Option<Thermometer>)| match (thermometer, port.elements.first()) {
        (Some(thermometer), Some(any)) => {
            let count = thermometer.thresholds.len();
            Port { name: port.name.clone(), shape: vec![count], elements: vec![*any; count] }
        }
        _ => port.clone(),
    };
    ports.iter().zip(thermometers).map(one).collect()
}

fn encode(samples: &Samples, ports: &[Port], thermometers: &[Option<Thermometer>]) -> Result<Batch> {
    let mut batch = Batch::new(super::columns(ports));
    for row in 0..samples.rows() {
        let mut rest = samples.row(row);
        for (port, thermometer) in ports.iter().zip(thermometers) {
            let count = thermometer.as_ref().map_or(port.elements.len(), |t| t.thresholds.len());
            let (own, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            match thermometer {
                Some(thermometer) => {
                    let bits = thermometer.encode(own);
                    let wrong =
                        || Error::user(format!("row {row} has a value that is no number"), "repair the samples");
                    batch.data.extend(bits.ok_or_else(wrong)?);
                }
                None => {
                    let own = Samples { columns: count, data: own.to_vec() };
                    batch.data.extend(codes(&own, std::slice::from_ref(port))?.data);
                }
            }
        }
    }
    Ok(batch)
}
