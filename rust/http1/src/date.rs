//! A moment as the text of a Date field. The clock is the caller's.

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"]; // 1970 began on a Thursday
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
/// The last second of the year 9999: four digits are all there are.
const LAST_SECOND: u64 = 253_402_300_799;

/// Returns a moment, in seconds since 1970, as `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Source: RFC 9110, 5.6.7.
#[must_use]
pub fn http_date(unix_seconds: u64) -> [u8; 29] {
    let seconds = unix_seconds.min(LAST_SECOND);
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    put(&mut text, 0, pick(&DAYS, days % 7));
    put(&mut text, 5, &two_digits(day));
    put(&mut text, 8, pick(&MONTHS, month));
    put(&mut text, 12, &two_digits(year / 100));
    put(&mut text, 14, &two_digits(year % 100));
    put(&mut text, 17, &two_digits(second_of_day / 3600));
    put(&mut text, 20, &two_digits(second_of_day / 60 % 60));
    put(&mut text, 23, &two_digits(second_of_day % 60));
    text
}

/// Returns year, month (from 0) and day (from 1) of a day that is counted from 1970-01-01.
///
/// The year is taken to begin in March, so that the leap day is its last one; then all is division.
#[allow(clippy::arithmetic_side_effects)] // the day is one before the year 10000
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097); // 400 years
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153; // five months are 153 days
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = era * 400 + year_of_era + if month < 2 { 1 } else { 0 };
    (year, month, day)
}

/// Returns a name of a table.
fn pick<'a>(names: &[&'a [u8; 3]], at: u64) -> &'a [u8] {
    usize::try_from(at)
        .ok()
        .and_then(|at| names.get(at))
        .map_or(b"", |name| *name)
}

/// Returns a number below 100.
fn two_digits(number: u64) -> [u8; 2] {
    let digit = |number: u64| u8::try_from(number % 10).unwrap_or(0) | b'0';
    [digit(number / 10), digit(number)]
}

/// Writes a part of the text.
fn put(text: &mut [u8; 29], at: usize, part: &[u8]) {
    for (slot, byte) in text.iter_mut().skip(at).zip(part) {
        *slot = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(
                http_date(seconds),
                text.as_bytes(),
                "{}",
                http_date(seconds).escape_ascii()
            );
        }
    }
}
