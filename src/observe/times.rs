//! [`Times`]: the histogram of answer times, from buckets that are counted
//! elsewhere.
//
//  The library's own histogram wants to be told of every answer, which costs
//  threads that answer at once more than the answer.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use prometheus::Opts;
use prometheus::core::Collector;
use prometheus::core::Desc;
use prometheus::core::Describer;
use prometheus::proto::Bucket;
use prometheus::proto::Histogram;
use prometheus::proto::LabelPair;
use prometheus::proto::Metric;
use prometheus::proto::MetricFamily;
use prometheus::proto::MetricType;

use crate::pipeline::tally::BUCKETS;
use crate::pipeline::tally::Sum;
use crate::resolve::Origin;

/// `query_duration_seconds`.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// Its name, help and label, as the registry wants them.
    desc: Desc,
    /// What is shown next.
    shown: Arc<Mutex<Vec<Metric>>>,
}

impl Times {
    /// Returns a histogram in which nothing is counted.
    pub(super) fn new() -> prometheus::Result<Self> {
        let opts = Opts::new("query_duration_seconds", "From a query's arrival to its answer's leaving.")
            .variable_label("origin");
        let times = Self { desc: opts.describe()?, shown: Arc::default() };
        times.show(&Sum(&[]));
        Ok(times)
    }

    /// Shows what was counted until now.
    pub(super) fn show(&self, sum: &Sum<'_>) {
        let shown = Origin::ALL.map(|origin| metric(origin, sum));
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown.into();
    }
}

/// Returns the histogram of one origin.
fn metric(origin: Origin, sum: &Sum<'_>) -> Metric {
    let (counts, seconds) = sum.times(origin);
    let mut total = 0;
    let mut histogram = Histogram::default();
    let buckets = BUCKETS.iter().zip(&counts).map(|(bound, count)| {
        total += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(total);
        bucket
    });
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(counts.iter().sum());
    histogram.set_sample_sum(seconds);
    let mut label = LabelPair::default();
    label.set_name("origin".to_owned());
    label.set_value(origin.as_str().to_owned());
    let mut metric = Metric::from_label(vec![label]);
    metric.set_histogram(histogram);
    metric
}

impl Collector for Times {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone());
        vec![family]
    }
}
