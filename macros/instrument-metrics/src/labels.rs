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
