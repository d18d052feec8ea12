//! What the editor shows under the handler's documentation: its queries, ready to paste.

use crate::options::Family;

/// Markdown; empty where every family that it asks is left out.
pub fn documentation(handler: &str, skipped: &[Family]) -> String {
    let of_handler = format!("handler={}", quoted(handler));
    let requests = [
        (
            "Requests a second, by status:",
            format!("sum by (status) (rate(http_requests_total{{{of_handler}}}[5m]))"),
        ),
        // `or vector(0)`: while nothing has failed, there is no series to divide.
        (
            "The part of them that failed, 0 to 1:",
            format!(
                "(sum(rate(http_requests_total{{{of_handler},status=~\"5..\"}}[5m])) or vector(0))\n  \
                 / sum(rate(http_requests_total{{{of_handler}}}[5m]))"
            ),
        ),
    ];
    let duration = [(
        "Seconds within which 95 % of them were answered:",
        format!(
            "histogram_quantile(0.95,\n  sum by (le) \
             (rate(http_request_duration_seconds_bucket{{{of_handler}}}[5m])))"
        ),
    )];
    let requests = requests.into_iter().filter(|_| !skipped.contains(&Family::Requests));
    let duration = duration.into_iter().filter(|_| !skipped.contains(&Family::Duration));
    let queries: String = requests
        .chain(duration)
        .map(|(what, query)| format!("\n{what}\n\n```promql\n{query}\n```\n"))
        .collect();
    if queries.is_empty() { queries } else { format!("\n# Metrics\n{queries}") }
}

/// As a string in PromQL, which has Go's escapes.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_of_a_handler() {
        insta::assert_snapshot!(documentation("get_memo", &[]));
    }

    #[test]
    fn what_is_not_measured_is_not_asked() {
        let without = |skipped: &[Family]| documentation("get_memo", skipped);
        assert!(!without(&[Family::Requests]).contains("http_requests_total"));
        assert!(!without(&[Family::Duration]).contains("histogram_quantile"));
        assert_eq!(without(&[Family::Requests, Family::Duration]), "");
    }

    #[test]
    fn a_name_with_quotes_stays_one_string() {
        let promql = documentation("say \"hi\"\\\n", &[]);
        assert!(promql.contains(r#"{handler="say \"hi\"\\\n"}"#), "{promql}");
    }
}
