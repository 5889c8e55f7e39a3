//! Samples as the ports' quantizers read them: the first part of what the host does.

use super::{Samples, columns, misfit, read};
use crate::error::Result;
use crate::host::Host;
use crate::port::Port;
use std::path::Path;

/// A file's samples, after what the host does to each input.
///
/// Two kinds of ports also take what they carry, as it is: a port of a thermometer's bits where the file has as many columns, and a port
/// as in `u8/255` where all its values are whole and one is beyond what the greatest code stands for.
///
/// # Errors
/// Those of [`read`].
pub fn prepared(path: &Path, ports: &[Port], hosts: &[Host]) -> Result<Samples> {
    if hosts.iter().any(|host| matches!(host, Host::Bits(_))) {
        return match read(path, &features(ports, hosts)) {
            Ok(given) => apply(&given, ports, hosts),
            Err(error) => read(path, ports).map_err(|_| error),
        };
    }
    apply(&read(path, ports)?, ports, hosts)
}

/// The ports as the user sees them.
fn features(ports: &[Port], hosts: &[Host]) -> Vec<Port> {
    let one = |(port, host): (&Port, &Host)| match (host, port.elements.first()) {
        (Host::Bits(_), Some(any)) => {
            let count = host.columns(port);
            Port { name: port.name.clone(), shape: vec![count], elements: vec![*any; count], state: false }
        }
        _ => port.clone(),
    };
    ports.iter().zip(hosts).map(one).collect()
}

/// Samples, one column per value that the user gives, after what the host does to each input; a port as in `u8/255` may be given its
/// integers.
///
/// # Errors
/// The columns do not fit the ports.
pub fn apply(given: &Samples, ports: &[Port], hosts: &[Host]) -> Result<Samples> {
    if given.columns != ports.iter().zip(hosts).map(|(port, host)| host.columns(port)).sum::<usize>() {
        return Err(misfit(given.columns, ports));
    }
    let mut start = 0;
    let mut parts = Vec::new();
    for (port, host) in ports.iter().zip(hosts) {
        let own = start..start + host.columns(port);
        start = own.end;
        let host = if are_codes(given, own.clone(), port, host) { &Host::Nothing } else { host };
        parts.push((own, host));
    }
    let rows = (0..given.rows()).flat_map(|row| {
        let row = given.row(row);
        parts.iter().flat_map(move |(own, host)| host.values(&row[own.clone()]))
    });
    Ok(Samples { columns: columns(ports), data: rows.collect() })
}

/// Are the values of a port as in `u8/255` its integers already?
fn are_codes(given: &Samples, own: std::ops::Range<usize>, port: &Port, host: &Host) -> bool {
    let Host::Times(divisor) = host else { return false };
    let most = port.elements.first().map_or(0.0, |q| q.format.range().hi as f64) / f64::from(*divisor);
    let values = || (0..given.rows()).flat_map(|row| &given.row(row)[own.clone()]);
    values().all(|x| x.fract() == 0.0) && values().any(|x| x.abs() > most)
}
