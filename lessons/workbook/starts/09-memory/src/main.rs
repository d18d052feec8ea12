//! Serves the lesson: `cargo run -p lesson-09`, then look at <http://127.0.0.1:8080>.

use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let server = HttpServer::new(|| App::new().configure(lesson_09::routes));
    let server = server.bind(&address).unwrap_or_else(|error| {
        eprintln!("Cannot listen on {address}: {error}.");
        eprintln!("Another address: ADDRESS=127.0.0.1:8090 cargo run -p lesson-09");
        std::process::exit(1)
    });
    println!("The service answers on http://{address}/ until you press Ctrl-C.");
    server.run().await
}
