//! Numbers and names as a reader likes them.

/// `12 584`, in groups of three with narrow spaces that do not break.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 bit`, `12 584 bits`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The part of a whole in percent, 0 of nothing.
pub fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (1000.0 * part / whole).round() / 10.0 } else { 0.0 }
}

/// A name cut to a width in pixels of 11 pixel letters; empty where nothing readable fits.
pub fn fit(name: &str, width: i32) -> String {
    let room = (width / 7).max(0) as usize;
    match name.chars().count() {
        length if length <= room => name.into(),
        _ if room < 4 => String::new(),
        _ => name.chars().take(room - 1).chain(['…']).collect(),
    }
}
