//! The description at `/openapi.json`, which `/docs/` shows.

use utoipa::OpenApi;

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "memo-service",
        description = "The example service of the Metrics Workbook. Its metrics are at /metrics."
    ),
    paths(
        routes::index,
        routes::health,
        routes::random_sleep,
        routes::fail,
        routes::list_memos,
        routes::create_memo,
        routes::delete_memos,
        routes::get_memo,
        routes::delete_memo,
        routes::summarize,
    )
)]
pub struct Description;
