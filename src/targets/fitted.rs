//! Written by `scripts/calibrate.sh`, which measures all of it; do not edit.

use super::calibration::Calibration;

/// The calibrations, one a target.
#[rustfmt::skip]
pub const FITTED: &[Calibration] = &[
    Calibration {
        target: "generic",
        tool: "Yosys 0.70",
        luts: [0.922, 1.025, 2.024, 1.000, 1.000, 0.622, 1.000, 1.000],
        carry: 1.123,
        fitted: &["made_a", "made_b", "made_c", "made_d", "jsc_openml_75p86", "jsc_openml_76p27", "jet_hgq_tiny", "muon_hits_mlp"],
        held_out: &["made_e", "made_f", "made_g", "jsc_openml_75p99", "jsc_openml_76p61", "sigmoid_mlp"],
        luts_error: 6.5,
        registers_error: 1.1,
        carry_error: 3.1,
    },
];
