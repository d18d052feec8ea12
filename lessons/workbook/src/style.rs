//! Colours, which never say anything that the words do not. `anstream` leaves them out where the
//! output is no terminal or `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub fn good(text: &str) -> String {
    paint(AnsiColor::Green.on_default().bold(), text)
}

pub fn bad(text: &str) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

pub fn strong(text: &str) -> String {
    paint(Style::new().bold(), text)
}

pub fn faint(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

pub fn added(text: &str) -> String {
    paint(AnsiColor::Green.on_default(), text)
}

pub fn removed(text: &str) -> String {
    paint(AnsiColor::Red.on_default(), text)
}
