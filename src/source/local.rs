//! What a running Sordino tells over HTTP, for commands on the same machine.

use std::net::SocketAddr;
use std::time::Duration;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest page, in octets.
const LARGEST: u64 = 4 << 20;

/// Gets a page of a running Sordino.
pub fn get(at: SocketAddr, path: &str) -> Result<Vec<u8>, ureq::Error> {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).max_redirects(0);
    let agent: ureq::Agent = config.build().into();
    let mut response = agent.get(format!("http://{at}{path}")).call()?;
    response.body_mut().with_config().limit(LARGEST).read_to_vec()
}
