fn two(one: u8, other: u8) -> u8 {
    one + other
}

#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    two(1).to_string()
}
