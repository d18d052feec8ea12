//! Every way a request ends, and which series it moves: one table.
//!
//! `cargo test -p instrument-metrics --test measured every_way -- --nocapture` prints it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_http::Request;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use actix_web::{
    App, Error, Handler, HttpRequest, HttpResponse, HttpServer, Responder, ResponseError, error,
    get, guard, route, routes, rt, test, web,
};
use futures_util::{FutureExt, stream};
use instrument_metrics::{Metrics, instrument_metrics};

use crate::{assert_nobody_in_flight, metrics_of_this_test, samples};

// Handlers by what they return.

#[derive(Debug)]
struct Teapot;

impl fmt::Display for Teapot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("short and stout")
    }
}

impl ResponseError for Teapot {
    fn status_code(&self) -> StatusCode {
        StatusCode::IM_A_TEAPOT
    }
}

struct Accepted;

impl Responder for Accepted {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
}

struct PanickingResponder;

impl Responder for PanickingResponder {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        panic!("while the answer becomes a response")
    }
}

#[instrument_metrics]
async fn text() -> &'static str {
    "200"
}
#[instrument_metrics]
async fn opaque() -> impl Responder {
    HttpResponse::Created()
}
#[instrument_metrics]
async fn json() -> actix_web::Result<web::Json<u8>> {
    Ok(web::Json(7))
}
#[instrument_metrics]
async fn moved() -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", "/")).finish()
}
#[instrument_metrics]
async fn unchanged() -> HttpResponse {
    HttpResponse::NotModified().finish()
}
#[instrument_metrics]
async fn empty() -> HttpResponse {
    HttpResponse::Ok().finish()
}
#[instrument_metrics]
async fn unit() -> Result<(), Error> {
    Ok(())
}
#[instrument_metrics]
async fn some() -> Option<&'static str> {
    Some("here")
}
#[instrument_metrics]
async fn none() -> Option<&'static str> {
    None
}
#[instrument_metrics]
async fn with_status() -> (String, StatusCode) {
    (String::new(), StatusCode::IM_USED)
}
#[instrument_metrics]
async fn conflict() -> HttpResponse {
    HttpResponse::Conflict().finish()
}
#[instrument_metrics]
async fn unavailable() -> HttpResponse {
    HttpResponse::ServiceUnavailable().finish()
}
#[instrument_metrics]
async fn own_error() -> Result<impl Responder, Teapot> {
    let answer: Result<&'static str, Teapot> = Err(Teapot);
    answer
}
#[instrument_metrics]
async fn question_mark() -> Result<String, Error> {
    let number: u8 = "many".parse().map_err(error::ErrorBadRequest)?;
    Ok(number.to_string())
}
#[instrument_metrics]
async fn internal() -> Result<String, Error> {
    Err(error::ErrorInternalServerError("no"))
}
#[instrument_metrics]
async fn ready_made() -> Result<String, Error> {
    let login = HttpResponse::SeeOther().insert_header(("location", "/login")).finish();
    Err(error::InternalError::from_response("who are you?", login).into())
}
#[instrument_metrics]
async fn own_responder() -> Accepted {
    Accepted
}
#[instrument_metrics]
async fn streamed() -> impl Responder {
    let parts = ["one", "two"].map(|part| Ok::<_, Error>(Bytes::from(part)));
    HttpResponse::Ok().streaming(stream::iter(parts))
}
#[instrument_metrics]
async fn breaks_off() -> impl Responder {
    let parts = [Ok(Bytes::from("one")), Err(error::ErrorInternalServerError("lost"))];
    HttpResponse::Ok().streaming(stream::iter(parts))
}
#[instrument_metrics]
async fn events() -> impl Responder {
    // A subscription has no end: it is answered when its head is.
    let event = Bytes::from("data: tick\n\n");
    let events = stream::repeat_with(move || Ok::<_, Error>(event.clone()));
    HttpResponse::Ok().content_type("text/event-stream").streaming(events)
}

// Handlers by how they fail to answer.

#[instrument_metrics]
async fn panics_at_once() -> String {
    panic!("at once")
}
#[instrument_metrics]
async fn panics_later() -> String {
    rt::task::yield_now().await;
    panic!("later")
}
#[instrument_metrics]
async fn panics_as_response() -> PanickingResponder {
    PanickingResponder
}
#[instrument_metrics]
async fn hangs() -> &'static str {
    std::future::pending().await
}
#[instrument_metrics]
async fn hangs_later() -> &'static str {
    rt::task::yield_now().await;
    std::future::pending().await
}
async fn plain_panic() -> String {
    panic!("nobody measures this handler")
}
async fn plain_hang() -> &'static str {
    std::future::pending().await
}
async fn plain() -> impl Responder {
    HttpResponse::ImATeapot()
}

// Handlers by where they are mounted.

#[get("/memos/{id}")]
#[instrument_metrics]
async fn below(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}
#[instrument_metrics]
#[get("/notes/{id}")]
async fn above(id: web::Path<u64>) -> impl Responder {
    id.to_string()
}
#[routes]
#[get("/one")]
#[get("/two")]
#[instrument_metrics]
async fn either() -> impl Responder {
    "either"
}
#[route("/head", method = "GET", method = "HEAD")]
#[instrument_metrics]
async fn headed() -> impl Responder {
    "a body that HEAD leaves out"
}
#[instrument_metrics]
async fn guarded() -> &'static str {
    "for German readers"
}
#[instrument_metrics]
async fn typed(number: web::Json<u8>) -> String {
    number.to_string()
}

/// Refuses or gives up, as the query says: with an error, before the handler or after it.
async fn interferes(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match request.query_string() {
        "refused" => Err(error::ErrorUnauthorized("who are you?")),
        "answered" => Ok(request.into_response(HttpResponse::PaymentRequired().finish())),
        "login" => {
            let login = HttpResponse::SeeOther().insert_header(("location", "/login")).finish();
            Err(error::InternalError::from_response("who are you?", login).into())
        }
        "too-late" => {
            next.call(request).await?;
            Err(error::ErrorBadGateway("too late"))
        }
        "panic" => {
            next.call(request).await?;
            panic!("in a middleware")
        }
        "hang" => {
            next.call(request).await?;
            std::future::pending().await
        }
        "timeout" => {
            let answer = rt::time::timeout(Duration::from_millis(5), next.call(request)).await;
            answer.map_err(error::ErrorGatewayTimeout)?.map(ServiceResponse::map_into_boxed_body)
        }
        _ => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
    }
}

fn mounted(
    metrics: &Metrics,
) -> App<
    impl actix_web::dev::ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    fn of<F, Args>(path: &str, handler: F) -> actix_web::Resource
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        web::resource(path).route(web::get().to(handler))
    }
    App::new()
        .wrap(from_fn(interferes))
        .wrap(metrics.middleware().exclude("/favicon.ico").exclude("/probe/{name}"))
        .service(metrics.endpoint("/metrics"))
        .service(of("/text", text))
        .service(of("/opaque", opaque))
        .service(of("/json", json))
        .service(of("/moved", moved))
        .service(of("/unchanged", unchanged))
        .service(of("/empty", empty))
        .service(of("/unit", unit))
        .service(of("/some", some))
        .service(of("/none", none))
        .service(of("/with_status", with_status))
        .service(of("/conflict", conflict))
        .service(of("/unavailable", unavailable))
        .service(of("/own_error", own_error))
        .service(of("/question_mark", question_mark))
        .service(of("/internal", internal))
        .service(of("/ready_made", ready_made))
        .service(of("/own_responder", own_responder))
        .service(of("/streamed", streamed))
        .service(of("/breaks_off", breaks_off))
        .service(of("/events", events))
        .service(of("/panics_at_once", panics_at_once))
        .service(of("/panics_later", panics_later))
        .service(of("/panics_as_response", panics_as_response))
        .service(of("/hangs", hangs))
        .service(of("/hangs_later", hangs_later))
        .service(of("/plain_panic", plain_panic))
        .service(of("/plain_hang", plain_hang))
        .service(of("/plain", plain))
        .service(of("/probe/{name}", plain_hang))
        .service(web::resource("/typed").route(web::post().to(typed)))
        .service(either)
        .service(headed)
        .service(
            web::resource("/guarded")
                .route(web::get().guard(guard::Header("accept-language", "de")).to(guarded))
                .route(web::get().to(plain)),
        )
        .service(web::scope("/a").service(below).service(above))
        .service(
            web::scope("/b").service(web::scope("/v2").service(below)).service(
                web::scope("/inner").wrap(metrics.middleware()).service(of("/text", text)),
            ),
        )
        .service(web::service("/raw").finish(fn_service(async |request: ServiceRequest| {
            Ok::<_, Error>(request.into_response(HttpResponse::Ok().finish()))
        })))
}

/// How the client's side of a request ends.
enum Ends {
    /// With this status.
    With(u16),
    /// The server panics.
    InPanic,
    /// The client is gone after so many polls.
    AfterPolls(u8),
}
use Ends::{AfterPolls, InPanic, With};

/// Everything that a request moves, `name{labels}` by how much.
fn counted(metrics: &Metrics) -> BTreeMap<String, i64> {
    let families = ["http_requests_total", "http_requests_aborted_total"];
    let samples = families.iter().flat_map(|family| samples(metrics, family));
    let samples = samples.map(|sample| {
        let (series, value) = sample.rsplit_once(' ').unwrap();
        (series.replace("http_requests_", ""), value.parse().unwrap())
    });
    samples.collect()
}

fn moved_since(before: &BTreeMap<String, i64>, metrics: &Metrics) -> Vec<String> {
    let now = counted(metrics);
    let moved =
        now.iter().map(|(series, value)| (series, value - before.get(series).unwrap_or(&0)));
    moved.filter(|(_, by)| *by != 0).map(|(series, by)| format!("{series} +{by}")).collect()
}

/// `total{…} +1`, as the series are written in the table: `handler route method status`.
fn answered(line: &str) -> Vec<String> {
    let [handler, route, method, status] = line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{line}: four words");
    };
    let handler = handler.trim_matches('-');
    vec![format!(
        r#"total{{handler="{handler}",method="{method}",route="{route}",status="{status}"}} +1"#
    )]
}

fn aborted(line: &str) -> Vec<String> {
    let [handler, reason] = line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{line}: two words");
    };
    let handler = handler.trim_matches('-');
    vec![format!(r#"aborted_total{{handler="{handler}",reason="{reason}"}} +1"#)]
}

fn get_of(uri: &str) -> TestRequest {
    TestRequest::get().uri(uri)
}

/// Sends one request, and lets it end as the table says.
async fn send<S, B>(app: &S, request: Request, ends: &Ends)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    match ends {
        With(expected) => {
            let status = match test::try_call_service(app, request).await {
                Ok(response) => {
                    let status = response.status();
                    if response.response().body().size() != BodySize::Stream {
                        test::read_body(response).await;
                    }
                    status
                }
                Err(error) => error.error_response().status(),
            };
            assert_eq!(status.as_u16(), *expected);
        }
        InPanic => {
            let call = AssertUnwindSafe(async { app.call(request).await.map(|_| ()) });
            assert!(call.catch_unwind().await.is_err(), "no panic");
        }
        AfterPolls(polls) => {
            let mut call = Box::pin(app.call(request));
            for _ in 0..*polls {
                assert!(call.as_mut().now_or_never().is_none(), "answered");
            }
        }
    }
}

#[actix_web::test]
async fn every_way_a_request_ends() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(mounted(&metrics)).await;

    let german = get_of("/guarded").insert_header((header::ACCEPT_LANGUAGE, "de"));
    let head = TestRequest::default().method(Method::HEAD).uri("/head");
    let brewed = TestRequest::default().method("BREW".parse().unwrap()).uri("/text");
    let stranger = get_of("/metrics").peer_addr("203.0.113.9:5000".parse().unwrap());
    let wrong_type = TestRequest::post().uri("/typed").set_json("seven");
    let right_type = TestRequest::post().uri("/typed").set_json(7);
    let nothing = Vec::<String>::new;

    #[rustfmt::skip]
    let table = vec![
        ("2xx: text", get_of("/text"), With(200), answered("text /text GET 200")),
        ("2xx: impl Responder", get_of("/opaque"), With(201), answered("opaque /opaque GET 201")),
        ("2xx: Json", get_of("/json"), With(200), answered("json /json GET 200")),
        ("2xx: custom Responder", get_of("/own_responder"), With(202), answered("own_responder /own_responder GET 202")),
        ("2xx: (body, status)", get_of("/with_status"), With(226), answered("with_status /with_status GET 226")),
        ("2xx: Option, Some", get_of("/some"), With(200), answered("some /some GET 200")),
        ("2xx: empty body", get_of("/empty"), With(200), answered("empty /empty GET 200")),
        ("204: Ok(())", get_of("/unit"), With(204), answered("unit /unit GET 204")),
        ("2xx: stream", get_of("/streamed"), With(200), answered("streamed /streamed GET 200")),
        ("2xx: stream that breaks off", get_of("/breaks_off"), With(200), answered("breaks_off /breaks_off GET 200")),
        ("2xx: server-sent events", get_of("/events"), With(200), answered("events /events GET 200")),
        ("HEAD", head, With(200), answered("headed /head HEAD 200")),
        ("3xx by value", get_of("/moved"), With(303), answered("moved /moved GET 303")),
        ("3xx by an error with a response", get_of("/ready_made"), With(303), answered("ready_made /ready_made GET 303")),
        ("304", get_of("/unchanged"), With(304), answered("unchanged /unchanged GET 304")),
        ("4xx by value", get_of("/conflict"), With(409), answered("conflict /conflict GET 409")),
        ("4xx by custom ResponseError", get_of("/own_error"), With(418), answered("own_error /own_error GET 418")),
        ("4xx by ?", get_of("/question_mark"), With(400), answered("question_mark /question_mark GET 400")),
        ("4xx: Option, None", get_of("/none"), With(404), answered("none /none GET 404")),
        ("5xx by value", get_of("/unavailable"), With(503), answered("unavailable /unavailable GET 503")),
        ("5xx by Err", get_of("/internal"), With(500), answered("internal /internal GET 500")),
        ("panic before an await", get_of("/panics_at_once"), InPanic, aborted("panics_at_once panic")),
        ("panic after an await", get_of("/panics_later"), InPanic, aborted("panics_later panic")),
        ("panic in respond_to", get_of("/panics_as_response"), InPanic, aborted("panics_as_response panic")),
        ("panic of a plain handler", get_of("/plain_panic"), InPanic, aborted("- panic")),
        ("cancelled before the handler", get_of("/hangs"), AfterPolls(0), aborted("- cancelled")),
        ("cancelled at the first await", get_of("/hangs"), AfterPolls(1), aborted("hangs cancelled")),
        ("cancelled at a later await", get_of("/hangs_later"), AfterPolls(3), aborted("hangs_later cancelled")),
        ("cancelled in a plain handler", get_of("/plain_hang"), AfterPolls(1), aborted("- cancelled")),
        ("a middleware's timeout", get_of("/hangs?timeout"), With(504), aborted("hangs cancelled")),
        ("timeout of a plain handler", get_of("/plain_hang?timeout"), With(504), answered("- /plain_hang GET 504")),
        ("extractor: body", wrong_type, With(400), answered("- /typed POST 400")),
        ("extractor: path", get_of("/a/memos/many"), With(404), answered("- /a/memos/{id} GET 404")),
        ("extractor that succeeds", right_type, With(200), answered("typed /typed POST 200")),
        ("404", get_of("/nowhere"), With(404), answered("- <unmatched> GET 404")),
        ("404 in a scope", get_of("/a/nowhere"), With(404), answered("- <unmatched> GET 404")),
        ("405", TestRequest::post().uri("/text"), With(405), answered("- /text POST 405")),
        ("unknown method", brewed, With(405), answered("- /text _OTHER 405")),
        ("refused by an inner middleware, Err", get_of("/text?refused"), With(401), answered("- /text GET 401")),
        ("refused by an inner middleware, Ok", get_of("/text?answered"), With(402), answered("- /text GET 402")),
        ("refused by an error with a response", get_of("/text?login"), With(303), answered("- /text GET 303")),
        ("refused after the handler", get_of("/text?too-late"), With(502), answered("text /text GET 502")),
        ("panic after the handler", get_of("/text?panic"), InPanic, aborted("text panic")),
        ("cancelled after the handler", get_of("/text?hang"), AfterPolls(1), aborted("text cancelled")),
        ("plain handler", get_of("/plain"), With(418), answered("- /plain GET 418")),
        ("plain service", get_of("/raw"), With(200), answered("- /raw GET 200")),
        ("#[routes], one", get_of("/one"), With(200), answered("either /one GET 200")),
        ("#[routes], two", get_of("/two"), With(200), answered("either /two GET 200")),
        ("above #[get], in a scope", get_of("/a/notes/1"), With(200), answered("above /a/notes/{id} GET 200")),
        ("below #[get], in a scope", get_of("/a/memos/1"), With(200), answered("below /a/memos/{id} GET 200")),
        ("the same, in scopes within", get_of("/b/v2/memos/1"), With(200), answered("below /b/v2/memos/{id} GET 200")),
        ("middleware within middleware", get_of("/b/inner/text"), With(200), answered("text /b/inner/text GET 200")),
        ("404 in both", get_of("/b/inner/nowhere"), With(404), answered("- <unmatched> GET 404")),
        ("guard that holds", german, With(200), answered("guarded /guarded GET 200")),
        ("guard that does not", get_of("/guarded"), With(418), answered("- /guarded GET 418")),
        ("scrape", get_of("/metrics"), With(200), nothing()),
        ("scrape of a stranger", stranger, With(403), answered("- /metrics GET 403")),
        ("excluded path", get_of("/favicon.ico"), With(404), nothing()),
        ("excluded route, cancelled", get_of("/probe/disk"), AfterPolls(1), nothing()),
    ];
    let uncounted = table.iter().filter(|(.., moved)| moved.is_empty()).count();
    let requests = table.len() - uncounted;
    for (what, request, ends, expected) in table {
        let before = counted(&metrics);
        send(&app, request.to_request(), &ends).await;
        let moved = moved_since(&before, &metrics);
        println!("{what:36} {}", moved.join(", "));
        assert_eq!(moved, expected, "{what}");
        assert_nobody_in_flight(&metrics);
    }
    let sum: i64 = counted(&metrics).values().sum();
    assert_eq!(usize::try_from(sum), Ok(requests), "every request once");
}

/// Refuses everything: a middleware outside ours.
async fn outside(
    request: ServiceRequest,
    _: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    Ok(request.into_response(HttpResponse::TooManyRequests().finish()))
}

#[actix_web::test]
async fn what_a_middleware_outside_refuses_never_reaches_the_metrics() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(mounted(&metrics).wrap(from_fn(outside))).await;
    send(&app, get_of("/text").to_request(), &With(429)).await;
    assert_eq!(counted(&metrics).values().sum::<i64>(), 0);
}

/// A server on a socket, and its address; `half_closed` as in `h1_allow_half_closed`.
fn served(metrics: &Metrics, half_closed: bool) -> (SocketAddr, actix_web::dev::ServerHandle) {
    let metrics = metrics.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(metrics.middleware())
            .route("/text", web::get().to(text))
            .route("/slow", web::get().to(slow))
            .route("/panic", web::get().to(panics_later))
            .route("/hangs", web::get().to(hangs))
    })
    .workers(1)
    .h1_allow_half_closed(half_closed)
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);
    (address, handle)
}

#[instrument_metrics]
async fn slow() -> &'static str {
    rt::time::sleep(Duration::from_millis(50)).await;
    "at last"
}

/// Sends a request, and hangs up after so long without reading an answer.
async fn hang_up(address: SocketAddr, path: &'static str, after: Duration) {
    let client = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        std::thread::sleep(after);
    };
    rt::task::spawn_blocking(client).await.unwrap();
}

async fn fetch(address: SocketAddr, path: &'static str) -> String {
    let client = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer).unwrap_or_default()
    };
    rt::task::spawn_blocking(client).await.unwrap()
}

/// Waits until the series have moved like this, and fails when they do not.
async fn wait_until_moved(metrics: &Metrics, expected: &[String]) {
    for _ in 0..200 {
        if moved_since(&BTreeMap::new(), metrics) == expected {
            return;
        }
        rt::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(moved_since(&BTreeMap::new(), metrics), expected);
}

#[actix_web::test]
async fn on_a_socket_a_client_that_hangs_up_is_a_cancellation() {
    let metrics = metrics_of_this_test();
    let (address, server) = served(&metrics, false);
    hang_up(address, "/hangs", Duration::from_millis(50)).await;
    wait_until_moved(&metrics, &aborted("hangs cancelled")).await;
    assert_nobody_in_flight(&metrics);
    server.stop(true).await;
}

#[actix_web::test]
async fn on_a_socket_that_may_be_half_closed_the_handler_answers_all_the_same() {
    let metrics = metrics_of_this_test();
    let (address, server) = served(&metrics, true);
    hang_up(address, "/slow", Duration::ZERO).await;
    wait_until_moved(&metrics, &answered("slow /slow GET 200")).await;
    assert_nobody_in_flight(&metrics);
    server.stop(true).await;
}

#[actix_web::test]
async fn on_a_socket_a_panic_closes_the_connection_and_the_next_request_is_fine() {
    let metrics = metrics_of_this_test();
    let (address, server) = served(&metrics, true);
    assert_eq!(fetch(address, "/panic").await, "");
    assert!(fetch(address, "/text").await.starts_with("HTTP/1.1 200"));
    let moved = [aborted("panics_later panic"), answered("text /text GET 200")].concat();
    wait_until_moved(&metrics, &moved).await;
    assert_nobody_in_flight(&metrics);
    server.stop(true).await;
}

#[actix_web::test]
async fn the_gauge_shows_a_request_while_it_runs() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(mounted(&metrics)).await;
    let mut call = Box::pin(app.call(get_of("/hangs").to_request()));
    assert!(call.as_mut().now_or_never().is_none());
    let in_flight = samples(&metrics, "http_requests_in_flight");
    assert_eq!(in_flight, [r#"http_requests_in_flight{handler="hangs"} 1"#]);
}

#[actix_web::test]
async fn a_duration_is_observed_for_each_answer_and_for_no_abort() {
    let metrics = metrics_of_this_test();
    let app = test::init_service(mounted(&metrics)).await;
    send(&app, get_of("/text").to_request(), &With(200)).await;
    send(&app, get_of("/nowhere").to_request(), &With(404)).await;
    send(&app, get_of("/panics_at_once").to_request(), &InPanic).await;
    assert_eq!(
        samples(&metrics, "http_request_duration_seconds_count"),
        [
            r#"http_request_duration_seconds_count{handler="",method="GET",route="<unmatched>"} 1"#,
            r#"http_request_duration_seconds_count{handler="text",method="GET",route="/text"} 1"#,
        ]
    );
}
