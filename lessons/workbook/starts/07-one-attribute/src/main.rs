//! Serves the lesson: `cargo run -p lesson-07`, then look at <http://127.0.0.1:8080>.

use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let server = HttpServer::new(|| App::new().configure(lesson_07::routes))
        .bind(&address)
        .map_err(|error| format!("cannot listen on {address}: {error}. Set ADDRESS to another"))?;
    println!("The service answers on http://{address}/ until you press Ctrl-C.");
    Ok(server.run().await?)
}
