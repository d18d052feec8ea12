struct Handlers;

#[instrument_metrics]
impl Handlers {
    async fn dead() -> String {
        Self::also_dead()
    }

    fn also_dead() -> String {
        String::new()
    }
}
