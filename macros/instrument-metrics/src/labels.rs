//! Label values that come from a request: each from a small, fixed set, whatever a client sends.

use actix_web::http::Method;

/// The route of a request that no route matches.
pub const UNMATCHED: &str = "<unmatched>";

/// The handler and route of what the series cap folds together.
pub const OVERFLOW: &str = "<overflow>";

/// The method as a label: the nine of RFC 9110 and RFC 5789 by name, every other as `_OTHER`, the
/// name that OpenTelemetry's HTTP conventions give it.
pub fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

/// The matched pattern, scopes included: `/api/memos/{id}`, never `/api/memos/7`.
pub fn route(pattern: Option<String>) -> String {
    pattern.unwrap_or_else(|| UNMATCHED.to_owned())
}

/// Whether this can stand before `_http_requests_total`. Prometheus takes `:`, too, and keeps it for
/// recording rules.
pub fn is_namespace(name: &str) -> bool {
    let is_letter = |character: char| character.is_ascii_alphanumeric() || character == '_';
    name.chars().all(is_letter)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && !name.ends_with('_')
}

/// Why this cannot be a label of all series, if it cannot: Prometheus takes
/// `[a-zA-Z_][a-zA-Z0-9_]*` and keeps what begins with `__` for itself.
pub fn why_no_const_label(name: &str) -> Option<&'static str> {
    let is_letter = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if OF_THE_FAMILIES.contains(&name) {
        Some("a family has a label of this name")
    } else if ["instance", "job"].contains(&name) {
        Some("Prometheus sets it for each target that it scrapes")
    } else if name.starts_with("__") {
        Some("names that begin with `__` are Prometheus's own")
    } else if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        Some("a name begins with a letter or `_`")
    } else if !name.chars().all(is_letter) {
        Some("a name has only the letters a to z, digits and `_`")
    } else {
        None
    }
}

const OF_THE_FAMILIES: [&str; 9] =
    ["family", "handler", "le", "method", "reason", "revision", "route", "status", "version"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_nobody_knows_makes_no_series_of_its_own() {
        assert_eq!(method(&Method::from_bytes(b"BREW").unwrap()), "_OTHER");
        assert_eq!(method(&Method::from_bytes(b"get").unwrap()), "_OTHER");
        assert_eq!(method(&Method::PATCH), "PATCH");
    }
}
