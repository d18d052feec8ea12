//! A service that has the library under the name `telemetry`, and an attribute of its own name.

use actix_web::{Responder, get, web};
use telemetry::instrument_metrics;

#[get("/users/{id}")]
#[instrument_metrics(crate = telemetry)]
async fn get_user(id: web::Path<u64>) -> impl Responder {
    format!("user {id}")
}

struct Users;

#[instrument_metrics(labels(team = "accounts"), crate = ::telemetry)]
impl Users {
    async fn list() -> &'static str {
        "nobody"
    }
}

/// The routes, for `App::configure`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(get_user).route("/users", web::get().to(Users::list));
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test::*};
    use telemetry::{Metrics, prometheus::Registry};

    #[actix_web::test]
    async fn both_handlers_are_on_the_page() {
        let metrics = Metrics::builder().registry(Registry::new()).build().unwrap();
        let app = App::new()
            .configure(super::routes)
            .service(metrics.endpoint("/metrics"))
            .wrap(metrics.middleware());
        let app = init_service(app).await;
        for uri in ["/users/7", "/users"] {
            call_service(&app, TestRequest::get().uri(uri).to_request()).await;
        }
        let scrape = TestRequest::get().uri("/metrics").to_request();
        let page = call_and_read_body(&app, scrape).await;
        let page = std::str::from_utf8(&page).unwrap();
        for line in [
            r#"http_requests_total{handler="get_user",method="GET",route="/users/{id}",status="200"} 1"#,
            r#"http_requests_total{handler="list",method="GET",route="/users",status="200",team="accounts"} 1"#,
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
