//! Forms of handlers that have to expand: that this file compiles is half of the test.

// The attribute has to stand a glob import of names that it uses itself.
#[allow(unused_imports)]
use instrument_metrics::prometheus::*;

use actix_web::test::TestRequest;
use actix_web::{App, HttpResponse, Responder, post, test, web};
use instrument_metrics::instrument_metrics;

use crate::{metrics_of_this_test, requests, status};

/// A name that the expansion must not pick up.
#[allow(dead_code, clippy::items_after_statements)]
type Result<T> = ::core::result::Result<T, ()>;

#[instrument_metrics]
async fn destructured(
    web::Json((id, name)): web::Json<(u64, String)>,
    _: web::Data<u8>,
    mut times: web::Path<u8>,
) -> impl Responder {
    *times += 1;
    format!("{id} {name} {times}")
}

// The parameter has the function's own name.
#[post("/shadow/{shadow}")]
#[instrument_metrics]
pub async fn shadow(shadow: web::Path<u8>) -> String {
    shadow.to_string()
}

trait Greeting: 'static {
    const WORD: &'static str;
}
struct Hello;
impl Greeting for Hello {
    const WORD: &'static str = "hello";
}

#[instrument_metrics]
async fn generic<G, const N: usize>(times: web::Path<u8>) -> impl Responder
where
    G: Greeting,
{
    format!("{} {N} {times}", G::WORD)
}

struct Handlers;

impl Handlers {
    const WORD: &'static str = "self";

    #[instrument_metrics]
    async fn associated() -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[instrument_metrics]
    async fn of_self(_: web::Path<u8>) -> impl Responder {
        Self::WORD
    }
}

/// Handlers of any store.
struct Memos<S>(S);

#[instrument_metrics(labels(team = "memos"))]
impl<S: Greeting> Memos<S> {
    /// Both the block's parameter and one of its own.
    pub async fn of_the_block<const N: usize>(times: web::Path<u8>) -> impl Responder {
        format!("{} {N} {times}", S::WORD)
    }

    async fn of_nobody() -> &'static str {
        "nobody"
    }

    #[instrument_metrics(name = "named")]
    async fn of_its_own() -> String {
        Self::load().await.unwrap()
    }

    #[skip_metrics]
    async fn load() -> std::result::Result<String, ()> {
        std::future::ready(Ok(S::WORD.to_owned())).await
    }

    fn word(&self) -> &'static str {
        let Self(_) = self;
        S::WORD
    }
}

macro_rules! word_of_self {
    () => {
        Self::WORD
    };
}

/// Handlers that name their block where it is hard to see.
struct Hidden<const N: usize>;

#[instrument_metrics]
impl<const N: usize> Hidden<N> {
    const WORD: &'static str = "hidden";

    async fn in_a_text() -> String {
        format!("{N}")
    }

    async fn in_a_macro() -> &'static str {
        word_of_self!()
    }

    #[instrument_metrics(name = "hidden_own")]
    async fn with_options_of_its_own(_: web::Path<[u8; 1]>) -> String {
        N.to_string()
    }
}

impl Hidden<0> {
    #[instrument_metrics]
    async fn after_a_word_like_union() -> String {
        let union = std::collections::BTreeSet::from([1]);
        union.union(&Self::more()).count().to_string()
    }

    fn more() -> std::collections::BTreeSet<u8> {
        [2, 3].into()
    }
}

/// A route attribute makes a struct of this name, which a pattern could mean.
#[instrument_metrics]
#[actix_web::get("/handler/{handler}")]
async fn handler(handler: web::Path<u8>) -> String {
    handler.to_string()
}

/// A `Self` that is not the handler's.
#[instrument_metrics]
async fn with_items() -> String {
    struct Word(&'static str);
    impl Word {
        const fn new() -> Self {
            Self("item")
        }
    }
    Word::new().0.to_owned()
}

/// Names that the expansion uses itself.
const SITE: &str = "raw";

#[instrument_metrics]
async fn r#match() -> &'static str {
    SITE
}

#[instrument_metrics]
#[expect(dead_code, reason = "nobody calls it, and the compiler has to see that")]
async fn unused(id: web::Path<u64>, _unread: web::Data<u8>) -> impl Responder {
    id.to_string()
}

#[actix_web::test]
async fn every_form_measures() {
    let metrics = metrics_of_this_test();
    let app = App::new()
        .wrap(metrics.middleware())
        .app_data(web::Data::new(1u8))
        .route("/d/{times}", web::get().to(destructured))
        .service(shadow)
        .route("/g/{times}", web::get().to(generic::<Hello, 3>))
        .route("/a", web::get().to(Handlers::associated))
        .route("/s/{times}", web::get().to(Handlers::of_self))
        .route("/b/{times}", web::get().to(Memos::<Hello>::of_the_block::<2>))
        .route("/n", web::get().to(Memos::<Hello>::of_nobody))
        .route("/o", web::get().to(Memos::<Hello>::of_its_own))
        .route("/m", web::get().to(r#match))
        .route("/i", web::get().to(with_items))
        .route("/h/t", web::get().to(Hidden::<5>::in_a_text))
        .route("/h/m", web::get().to(Hidden::<5>::in_a_macro))
        .route("/h/o/{id}", web::get().to(Hidden::<5>::with_options_of_its_own))
        .route("/h/u", web::get().to(Hidden::after_a_word_like_union))
        .service(handler);
    let app = test::init_service(app).await;
    let read = async |request: TestRequest| {
        let body = test::call_and_read_body(&app, request.to_request()).await;
        String::from_utf8(body.to_vec()).unwrap()
    };
    assert_eq!(read(TestRequest::get().uri("/d/1").set_json((7, "x"))).await, "7 x 2");
    assert_eq!(read(TestRequest::post().uri("/shadow/9")).await, "9");
    assert_eq!(read(TestRequest::get().uri("/g/4")).await, "hello 3 4");
    assert_eq!(status(&app, TestRequest::get().uri("/a")).await, 200);
    assert_eq!(status(&app, TestRequest::get().uri("/m")).await, 200);
    assert_eq!(read(TestRequest::get().uri("/s/1")).await, "self");
    assert_eq!(read(TestRequest::get().uri("/b/5")).await, "hello 2 5");
    assert_eq!(read(TestRequest::get().uri("/n")).await, "nobody");
    assert_eq!(read(TestRequest::get().uri("/o")).await, "hello");
    assert_eq!(read(TestRequest::get().uri("/i")).await, "item");
    assert_eq!(read(TestRequest::get().uri("/h/t")).await, "5");
    assert_eq!(read(TestRequest::get().uri("/h/m")).await, "hidden");
    assert_eq!(read(TestRequest::get().uri("/h/u")).await, "3");
    assert_eq!(read(TestRequest::get().uri("/h/o/1")).await, "5");
    assert_eq!(read(TestRequest::get().uri("/handler/8")).await, "8");
    assert_eq!(Memos(Hello).word(), "hello");
    assert_eq!(
        requests(&metrics),
        [
            r#"{handler="after_a_word_like_union",method="GET",route="/h/u",status="200"} 1"#,
            r#"{handler="associated",method="GET",route="/a",status="200"} 1"#,
            r#"{handler="destructured",method="GET",route="/d/{times}",status="200"} 1"#,
            r#"{handler="generic",method="GET",route="/g/{times}",status="200"} 1"#,
            r#"{handler="handler",method="GET",route="/handler/{handler}",status="200"} 1"#,
            r#"{handler="hidden_own",method="GET",route="/h/o/{id}",status="200"} 1"#,
            r#"{handler="in_a_macro",method="GET",route="/h/m",status="200"} 1"#,
            r#"{handler="in_a_text",method="GET",route="/h/t",status="200"} 1"#,
            r#"{handler="match",method="GET",route="/m",status="200"} 1"#,
            r#"{handler="named",method="GET",route="/o",status="200"} 1"#,
            r#"{handler="of_self",method="GET",route="/s/{times}",status="200"} 1"#,
            r#"{handler="shadow",method="POST",route="/shadow/{shadow}",status="200"} 1"#,
            r#"{handler="with_items",method="GET",route="/i",status="200"} 1"#,
            r#"{handler="of_nobody",method="GET",route="/n",status="200",team="memos"} 1"#,
            r#"{handler="of_the_block",method="GET",route="/b/{times}",status="200",team="memos"} 1"#,
        ]
    );
}

#[actix_web::test]
async fn a_unit_test_can_still_call_the_handler() {
    let request = TestRequest::default().to_http_request();
    let response = Handlers::associated().await.respond_to(&request);
    assert_eq!(response.status(), 200);
    assert_eq!(r#match().await.into_inner(), "raw");
}
