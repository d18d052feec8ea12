//! A language model that is none: it takes seconds, sometimes fails, and has its price. What is
//! real is how its calls are measured.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use instrument_metrics::prometheus::{
    self, Counter, Histogram, HistogramOpts, IntCounterVec, Opts, Registry,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Config;

const NAME: &str = "simulated-1";
const DOLLARS_PER_INPUT_TOKEN: f64 = 3.0 / 1_000_000.0;
const DOLLARS_PER_OUTPUT_TOKEN: f64 = 15.0 / 1_000_000.0;

/// What the model made of a text, and what that took.
#[derive(Debug, Serialize, ToSchema)]
pub struct Summary {
    /// The text's first words.
    pub summary: String,
    /// The model's name.
    pub model: &'static str,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// The price of this call in US dollars.
    pub cost_dollars: f64,
}

/// The model refused to work; the tokens that it read are paid for all the same.
#[derive(Debug)]
pub struct ModelFailed;

#[derive(Clone)]
pub struct Model {
    seconds: RangeInclusive<f64>,
    failure_rate: f64,
    metrics: ModelMetrics,
}

#[derive(Clone)]
struct ModelMetrics {
    calls: IntCounterVec,
    duration: Histogram,
    tokens: IntCounterVec,
    cost: Counter,
}

impl ModelMetrics {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options = |name: &str, help: &str| Opts::new(name, help).const_label("model", NAME);
        let metrics = Self {
            calls: IntCounterVec::new(
                options("model_calls_total", "Calls to the language model, by outcome."),
                &["outcome"],
            )?,
            duration: Histogram::with_opts(
                HistogramOpts::from(options(
                    "model_call_duration_seconds",
                    "Time that a call to the language model took, in seconds.",
                ))
                // The default bounds end at ten seconds, where such calls may only begin.
                .buckets(vec![0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 60.0]),
            )?,
            tokens: IntCounterVec::new(
                options("model_tokens_total", "Tokens that the language model read and wrote."),
                &["direction"],
            )?,
            cost: Counter::with_opts(options(
                "model_cost_dollars_total",
                "Price of all calls to the language model, in US dollars.",
            ))?,
        };
        registry.register(Box::new(metrics.calls.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.tokens.clone()))?;
        registry.register(Box::new(metrics.cost.clone()))?;
        // At 0 from the start, so that a ratio of failures is 0 and not absent.
        for outcome in ["ok", "failed", "cancelled"] {
            metrics.calls.with_label_values(&[outcome]);
        }
        for direction in ["input", "output"] {
            metrics.tokens.with_label_values(&[direction]);
        }
        Ok(metrics)
    }
}

impl Model {
    pub fn new(config: &Config, registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            seconds: config.model_seconds.clone(),
            failure_rate: config.model_failure_rate,
            metrics: ModelMetrics::register(registry)?,
        })
    }

    pub async fn summarize(&self, text: &str) -> Result<Summary, ModelFailed> {
        let mut call = Call::start(&self.metrics);
        let seconds = rand::random_range(self.seconds.clone());
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;

        let input_tokens = tokens(text);
        if rand::random_bool(self.failure_rate) {
            call.end("failed", input_tokens, 0);
            return Err(ModelFailed);
        }
        let summary = text.split_whitespace().take(12).collect::<Vec<_>>().join(" ");
        let output_tokens = tokens(&summary);
        let cost_dollars = call.end("ok", input_tokens, output_tokens);
        Ok(Summary { summary, model: NAME, input_tokens, output_tokens, cost_dollars })
    }
}

/// One call. A client that hangs up ends it as `cancelled`.
struct Call<'a> {
    metrics: &'a ModelMetrics,
    started: Instant,
    outcome: &'static str,
}

impl<'a> Call<'a> {
    fn start(metrics: &'a ModelMetrics) -> Self {
        Self { metrics, started: Instant::now(), outcome: "cancelled" }
    }

    /// The price of the call in US dollars.
    fn end(&mut self, outcome: &'static str, input: u64, output: u64) -> f64 {
        self.outcome = outcome;
        self.metrics.tokens.with_label_values(&["input"]).inc_by(input);
        self.metrics.tokens.with_label_values(&["output"]).inc_by(output);
        #[expect(clippy::cast_precision_loss, reason = "tokens are few")]
        let cost =
            input as f64 * DOLLARS_PER_INPUT_TOKEN + output as f64 * DOLLARS_PER_OUTPUT_TOKEN;
        self.metrics.cost.inc_by(cost);
        cost
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.metrics.calls.with_label_values(&[self.outcome]).inc();
        self.metrics.duration.observe(self.started.elapsed().as_secs_f64());
    }
}

/// Three words are about four tokens.
fn tokens(text: &str) -> u64 {
    let words = text.split_whitespace().count() as u64;
    (words * 4).div_ceil(3)
}
