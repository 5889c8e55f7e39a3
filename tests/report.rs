//! The report: its numbers agree with each other, and its page shows them and nothing that names smuggle in.

use nanotrig::compiler::{Making, Reading, hardware, meaning};
use nanotrig::frontends;
use nanotrig::report::{Checked, Fit, KindRow, LayerRow, PortRow, Report, Share, StageRow, ThermometerRow};
use std::path::Path;

const HOSTILE: &str = "<script>alert('\"&')</script>";

/// A report with so many layers and stages, all named badly.
fn report(layers: usize, stages: u32) -> Report {
    let name = |index: usize| format!("{HOSTILE}{index}");
    let layer = |index: usize| LayerRow {
        name: name(index),
        luts: 1234 * index as u64,
        carry: 7,
        registers: 8,
        operations: index as u64,
        values: 1,
        bits: 9,
        stages: [0, stages - 1],
    };
    let share = |index: usize| Share { name: name(index), luts: 61 * index as u64 };
    let stage = |stage: u32| StageRow {
        stage,
        delay_ns: 4.321,
        luts: (0..layers).map(|index| share(index).luts).sum(),
        registers: 77 + u64::from(stage),
        layers: (0..layers).map(share).collect(),
    };
    let port = |elements: &[&str], chain: &[&str]| PortRow {
        thermometer: None,
        name: HOSTILE.into(),
        tensor: HOSTILE.into(),
        shape: vec![elements.len()],
        width: 24,
        elements: elements.iter().map(ToString::to_string).collect(),
        chain: chain.iter().map(ToString::to_string).collect(),
    };
    let thresholds = ThermometerRow { comparison: ">=".into(), thresholds: vec![vec![-0.5, 0.25], vec![0.0, 1e-3]] };
    let bits = PortRow { thermometer: Some(thresholds), ..port(&["ufixed<1,1,TRN,WRAP>"; 4], &[]) };
    Report {
        generator: "nanotrig".into(),
        version: "0.0.0".into(),
        name: HOSTILE.into(),
        top: HOSTILE.into(),
        target: "generic".into(),
        period_ns: 5.0,
        shortest_period_ns: 4.25,
        latency_cycles: stages,
        latency_ns: 5.0 * f64::from(stages),
        initiation_interval: 1,
        luts: 9_876_543,
        registers: 4321,
        dsps: 3,
        carry: 555,
        calibration: Some(Fit {
            tool: HOSTILE.into(),
            fitted: vec![HOSTILE.into(); 3],
            held_out: vec![HOSTILE.into(); 2],
            luts_percent: 4.44,
            registers_percent: 1.0,
            carry_percent: 2.0,
        }),
        kinds: vec![KindRow { kind: HOSTILE.into(), luts: 1, carry: 2 }],
        depth: 42,
        compile_s: 1.5,
        layers: (0..layers).map(layer).collect(),
        stages: (0..stages).map(stage).collect(),
        inputs: vec![
            port(&["fixed<8,4,RND,SAT>", "fixed<8,4,RND,SAT>", "ufixed<0,0,TRN,WRAP>", "ufixed<8,8,TRN,WRAP>"], &[]),
            bits,
        ],
        outputs: vec![port(&["fixed<24,4,TRN,WRAP>"], &["float_mul [0.5]", "float_softmax"])],
        states: vec![port(&["fixed<8,4,TRN,WRAP>"], &[])],
        shell: None,
        checked: Checked { random: 500, given: 12, mismatches: 2 },
        proof: None,
        notes: vec![HOSTILE.into()],
        reading: Reading::default(),
    }
}

#[test]
fn a_page_shows_the_numbers() {
    let page = report(3, 4).html().expect("renders");
    let numbers = [
        "9\u{202f}876\u{202f}543",
        "4\u{202f}321",
        "3 DSPs",
        "555 carry bits",
        "20.0",
        "4 cycles at 200 MHz",
        "4.250",
        "0.750 ns (15.0 %) left",
        "[15:0]",
        "[23:16]",
        "0–1",
        "always 0",
        "ties up (RND), saturates (SAT)",
        "mul 0.5",
        "2⁻²⁰",
        "softmax",
        "2 outputs differ",
        "500 random",
        "12 given",
        "1.500 s",
        "each of 2 features: a bit is 1 where the feature &gt;= its threshold",
        "<td>2–3</td><td>0, 0.001</td>",
        "−0.5, 0.25",
        "LUT within 4.4 %, registers within 1.0 %",
    ];
    for number in numbers {
        assert!(page.contains(number), "{number} is missing in\n{page}");
    }
}

#[test]
fn names_stay_text_and_nothing_is_fetched() {
    for (layers, stages) in [(0, 1), (1, 1), (3, 4), (25, 14), (2, 200)] {
        let page = report(layers, stages).html().expect("renders");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "a name became markup");
        for outside in ["http", "url(", "@import", "<link", "<img", " src=", " href="] {
            assert!(!page.contains(outside), "the page contains {outside}");
        }
    }
}

#[test]
fn a_page_depends_on_its_report_only() {
    let (one, other) = (report(25, 14), report(25, 14).timed(9.0));
    let (one, other) = (one.html().expect("renders"), other.html().expect("renders"));
    assert_eq!(one.replace("1.500 s", ""), other.replace("9.000 s", ""));
}

#[test]
fn the_rows_sum_to_the_whole() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jet_tagger/model.toml");
    let network = frontends::read(&model, None).expect("the example is there");
    let meaning = meaning(&network, &Reading::default()).expect("a network");
    for stages in [1, 2, 5, 9] {
        let mut making = Making::default();
        (making.goal.period, making.goal.stages) = (None, Some(stages));
        let hardware = hardware(&meaning.dfg, &making, |_, _| ()).expect("compiles");
        let report = Report::new(&meaning, &hardware, &making, Reading::default(), "generic", Checked::default());
        assert_eq!(report.layers.iter().map(|row| row.luts).sum::<u64>(), report.luts);
        assert_eq!(report.layers.iter().map(|row| row.carry).sum::<u64>(), report.carry);
        assert_eq!(report.layers.iter().map(|row| row.registers).sum::<u64>() + u64::from(stages), report.registers);
        assert_eq!(report.stages.iter().map(|row| row.luts).sum::<u64>(), report.luts);
        assert_eq!(report.stages.iter().map(|row| row.registers).sum::<u64>(), report.registers);
        let longest = report.stages.iter().map(|row| row.delay_ns).fold(0.0, f64::max);
        assert_eq!(longest, report.shortest_period_ns);
        assert_eq!(Report::parse(&report.json().expect("prints")).expect("parses"), report);
        assert!(report.summary(Path::new("out")).contains(&report.luts.to_string()));
    }
}
