//! Product and accumulator formats mean the same in every layer that has them.

use super::*;

/// The values of one layer for one sample.
fn values(layer: network::Layer, shape: &[usize], x: &[i128]) -> Vec<f64> {
    value(&alone(layer, shape).expect("expands"), x).1
}

#[test]
fn formats_mean_the_same_in_every_layer() {
    let kernel: Vec<f64> = (0..12).map(|i| f64::from((i * 7) % 11 - 5) / 4.0).collect();
    let bias = [0.75, -1.0, 0.5, 2.25];
    let x: Vec<i128> = vec![9, -14, 3, 8, 1, -6];
    for (product, accumulator) in [("fixed<9,8>", "fixed<6,5>"), ("fixed<8,6,RND>", "fixed<6,5,TRN,SAT>")] {
        let formats = json!({"product_format": product, "accumulator_format": accumulator});
        let with = |more: Value| {
            let mut all = formats.clone();
            for (key, value) in more.as_object().expect("an object") {
                all[key] = value.clone();
            }
            all
        };
        let tensors = |shape: &'static [usize]| [("kernel", shape, &kernel[..]), ("bias", &[4usize][..], &bias[..])];
        let dense = values(layer("dense", formats.clone(), &tensors(&[3, 4])), &[2, 3], &x);
        let equation = with(json!({"equation": "abc,cd->abd"}));
        assert_eq!(values(layer("einsum_dense", equation, &tensors(&[3, 4])), &[2, 3], &x), dense);
        assert_eq!(values(layer("conv1d", formats.clone(), &tensors(&[1, 3, 4])), &[2, 3], &x), dense);
        // Turned round: every position has the biases of its row.
        let turned = with(json!({"equation": "abc,cd->adb"}));
        let column = [("kernel", &[3usize, 4][..], &kernel[..]), ("bias", &[4, 1][..], &bias[..])];
        let across = values(layer("einsum_dense", turned, &column), &[2, 3], &x);
        let back: Vec<f64> = (0..8).map(|e| across[e % 4 * 2 + e / 4]).collect();
        assert_eq!(back, dense);
        let own = with(json!({"equation": "abc,cd->abd"}));
        let biases: Vec<f64> = (0..8).map(|i| f64::from(i) / 4.0 - 1.0).collect();
        let rows = [("kernel", &[3usize, 4][..], &kernel[..]), ("bias", &[2, 4][..], &biases[..])];
        let both = values(layer("einsum_dense", own, &rows), &[2, 3], &x);
        for row in 0..2 {
            let one = [("kernel", &[3usize, 4][..], &kernel[..]), ("bias", &[4][..], &biases[row * 4..row * 4 + 4])];
            let alone = values(layer("dense", formats.clone(), &one), &[3], &x[row * 3..row * 3 + 3]);
            assert_eq!(both[row * 4..row * 4 + 4], alone);
        }
        let sequence = [9, -14, 3, 8, 1, -6];
        let many = [("kernel", &[3usize, 2, 2][..], &kernel[..]), ("bias", &[4][..], &bias[..])];
        let depthwise = values(layer("depthwise_conv1d", formats.clone(), &many), &[3, 2], &sequence);
        let groups = with(json!({"groups": 2}));
        // [taps, 2, 2] and [taps, 1, 4] are the same list.
        let grouped = [("kernel", &[3usize, 1, 4][..], &kernel[..]), ("bias", &[4][..], &bias[..])];
        assert_eq!(values(layer("conv1d", groups, &grouped), &[3, 2], &sequence), depthwise);
    }
}
