//! [`FritzBox`]: the hosts a FRITZ!Box knows, over TR-064.
//!
//! One call gives the path of a list with everything
//! (`X_AVM-DE_GetHostListPath`), and one more the list: addresses (IPv4 only),
//! MAC addresses, names that people gave, and who is a guest.  The box asks for a
//! user and a password and takes them as a digest ([RFC 7616] with MD5, which is
//! all it knows), so that they do not cross the network.
//!
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use md5::Digest;
use md5::Md5;
use roxmltree::Document;
use roxmltree::Node;
use roxmltree::ParsingOptions;
use ureq::Agent;

use super::Teller;
use super::Told;
use super::is_somebody;
use super::name;
use crate::base::Diagnostic;
use crate::base::MacAddr;
use crate::base::Now;
use crate::base::Source;
use crate::device::Binding;
use crate::device::Feed;
use crate::device::addresses::About;
use crate::source::read_text;

/// How long the box may take for an answer: an old one takes seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// The largest answer, in octets.  A host takes some 700.
const MOST: u64 = 4 << 20;

/// Most nodes of XML in it.
const MOST_NODES: u32 = 200_000;

/// The longest password, in octets.
const MOST_PASSWORD: usize = 1024;

/// The service that knows hosts, and where it is (the same on all boxes).
const SERVICE: &str = "urn:dslforum-org:service:Hosts:1";
const CONTROL: &str = "/upnp/control/hosts";

/// What the service is asked.
const ACTION: &str = "X_AVM-DE_GetHostListPath";

//----------- FritzBox ---------------------------------------------------------

/// A FRITZ!Box.
#[derive(Debug)]
pub struct FritzBox {
    /// What a config says of it.
    settings: Settings,
    /// Who it is.
    feed: Feed,
    /// For asking.
    agent: Agent,
}

/// What a config says of a FRITZ!Box.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Where it is.
    pub address: SocketAddr,
    /// The user, one of the box's own.
    pub user: String,
    /// The file with the password.
    pub password: PathBuf,
    /// How often it is asked.
    pub every: Duration,
}

impl FritzBox {
    /// Asks the box at an address.
    pub fn new(settings: Settings) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent("sordino")
            .build()
            .new_agent();
        let name = Arc::from(format!("FRITZ!Box {}", settings.address));
        Self { feed: Feed { source: Source::FritzBox, name }, settings, agent }
    }

    /// Asks for the path of the list, with a proof that we may if the box wants one.
    fn path(&self, proof: Option<&str>) -> Result<(u16, Option<String>, String), String> {
        let url = format!("http://{}{CONTROL}", self.settings.address);
        let mut call = self
            .agent
            .post(&url)
            .header("Content-Type", "text/xml; charset=\"utf-8\"")
            .header("SOAPAction", &format!("{SERVICE}#{ACTION}"));
        if let Some(proof) = proof {
            call = call.header("Authorization", proof);
        }
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <s:Envelope s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\" \
             xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\
             <s:Body><u:{ACTION} xmlns:u=\"{SERVICE}\"></u:{ACTION}></s:Body></s:Envelope>"
        );
        let mut answer = call.send(&body).map_err(|error| error.to_string())?;
        let challenge = answer.headers().get("WWW-Authenticate").and_then(|value| value.to_str().ok());
        let challenge = challenge.map(str::to_owned);
        let text = answer.body_mut().with_config().limit(MOST).read_to_string();
        Ok((answer.status().as_u16(), challenge, text.map_err(|error| error.to_string())?))
    }

    /// Returns the list.
    fn list(&self) -> Result<String, String> {
        let (mut status, challenge, mut text) = self.path(None)?;
        if status == 401 {
            let challenge = challenge.ok_or("it wants a proof and does not say which")?;
            let password = read_text(&self.settings.password, "the password", MOST_PASSWORD)
                .map_err(|fault| fault.to_string())?;
            let nonce = format!("{:016x}", rand::random::<u64>());
            let proof = proof(&challenge, &self.settings.user, password.trim_end(), &nonce)
                .ok_or("it wants a proof that we do not know")?;
            (status, _, text) = self.path(Some(&proof))?;
        }
        match status {
            200 => {}
            401 => return Err("it does not accept the user or the password".to_owned()),
            _ => return Err(format!("it answers with status {status}")),
        }
        let path = path_in(&text).ok_or("it does not say where its list of hosts is")?;
        let url = format!("http://{}{path}", self.settings.address);
        let mut answer = self.agent.get(&url).call().map_err(|error| error.to_string())?;
        if answer.status().as_u16() != 200 {
            return Err(format!("its list of hosts comes with status {}", answer.status().as_u16()));
        }
        let text = answer.body_mut().with_config().limit(MOST).read_to_string();
        text.map_err(|error| error.to_string())
    }
}

impl Teller for FritzBox {
    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn ask(&mut self, _now: Now) -> Result<Told, Diagnostic> {
        let fault = |say: String| Diagnostic::of_file(Arc::clone(&self.feed.name), say).warning();
        parse(&self.feed.name, &self.list().map_err(fault)?)
    }

    fn again(&self) -> (Vec<PathBuf>, Duration) {
        (Vec::new(), self.settings.every)
    }
}

//----------- Proof ------------------------------------------------------------

/// Returns the proof for a challenge (RFC 7616 section 3.4) that we know the
/// password; none for one that we do not understand.
fn proof(challenge: &str, user: &str, password: &str, own: &str) -> Option<String> {
    let fields = challenge.strip_prefix("Digest ")?;
    let field = |key: &str| {
        fields.split(',').find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            name.eq_ignore_ascii_case(key).then(|| value.trim().trim_matches('"'))
        })
    };
    let (realm, nonce) = (field("realm")?, field("nonce")?);
    let offered = field("qop").unwrap_or_default();
    let known = field("algorithm").is_none_or(|name| name.eq_ignore_ascii_case("MD5"));
    let plain = |text: &str| text.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b'"' && b != b'\\');
    if !known
        || !offered.split_whitespace().any(|qop| qop == "auth")
        || ![realm, nonce, user].map(plain).iter().all(|fine| *fine)
    {
        return None;
    }
    // As 32 digits of hex.
    let hash = |text: String| format!("{:032x}", u128::from_be_bytes(Md5::digest(text).into()));
    let who = hash(format!("{user}:{realm}:{password}"));
    let what = hash(format!("POST:{CONTROL}"));
    let response = hash(format!("{who}:{nonce}:00000001:{own}:auth:{what}"));
    Some(format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{CONTROL}\", \
         response=\"{response}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"{own}\""
    ))
}

//----------- Reading ----------------------------------------------------------

/// Reads XML, without a document type: nothing in it is expanded or fetched.
fn document(text: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options)
}

/// Returns the path in an answer of the service.
fn path_in(text: &str) -> Option<String> {
    let document = document(text).ok()?;
    let node = document.descendants().find(|node| node.has_tag_name("NewX_AVM-DE_HostListPath"))?;
    let path = node.text()?.trim();
    let fine = path.starts_with('/') && path.len() < 1024 && path.bytes().all(|b| b.is_ascii_graphic());
    fine.then(|| path.to_owned())
}

/// Reads a list of hosts.
pub fn parse(file: &str, text: &str) -> Result<Told, Diagnostic> {
    let document = document(text).map_err(|error| {
        let at = error.pos();
        let start = text.split_inclusive('\n').take(at.row.saturating_sub(1) as usize).map(str::len).sum();
        Diagnostic::at(file, text, start, start + 1, format!("not XML: {error}")).warning()
    })?;
    let mut told = Told::default();
    for item in document.descendants().filter(|node| node.has_tag_name("Item")) {
        match host(item) {
            Ok(Known { binding, about, host }) => {
                told.bindings.extend(binding);
                told.hosts.extend(
                    host.iter().flat_map(|host| about.iter().map(|(mac, _)| (*mac, Arc::clone(host)))),
                );
                told.about.extend(about);
            }
            Err(say) => {
                let range = item.range();
                told.doubt(|| Diagnostic::at(file, text, range.start, range.end, say));
            }
        }
    }
    Ok(told)
}

/// What is known of a host.
struct Known {
    /// Where it is.
    binding: Option<Binding>,
    /// What people call it, by all its MAC addresses.
    about: Vec<(MacAddr, About)>,
    /// What it calls itself.
    host: Option<Arc<str>>,
}

/// Reads one host.
fn host(item: Node<'_, '_>) -> Result<Known, String> {
    let field = |key: &str| {
        let node = item.children().find(|child| child.has_tag_name(key));
        node.and_then(|node| node.text()).unwrap_or_default().trim()
    };
    let hardware = field("MACAddress");
    let mac = |text: &str| text.parse::<MacAddr>().map_err(|error| format!("`{text}`: {error}"));
    let host = name(field("HostName"));
    let called = name(field("X_AVM-DE_FriendlyName")).or_else(|| host.clone());
    let about = About { name: called, guest: field("X_AVM-DE_Guest") == "1", room: None };
    let mut all = Vec::new();
    for text in field("X_AVM-DE_MACAddressList").split(',').map(str::trim).filter(|text| !text.is_empty()) {
        all.push((mac(text)?, about.clone()));
    }
    // Who is connected by a VPN has an address and no MAC address.
    if hardware.is_empty() {
        return Ok(Known { binding: None, about: all, host });
    }
    let mac = mac(hardware)?;
    all.push((mac, about.clone()));
    let address = field("IPAddress");
    if address.is_empty() || field("Active") != "1" {
        return Ok(Known { binding: None, about: all, host });
    }
    let addr: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
    let known = mac.is_one_device() && is_somebody(addr);
    let About { name, guest, .. } = about;
    let binding = known.then_some(Binding { addr, mac, name, guest, until: None });
    Ok(Known { binding, about: all, host })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = "\
<?xml version=\"1.0\" encoding=\"utf-8\"?><List>
<Item><Index>1</Index><IPAddress>192.168.178.20</IPAddress><MACAddress>44:65:0D:12:34:56</MACAddress>
<Active>1</Active><HostName>amazon-1234</HostName><InterfaceType>802.11</InterfaceType>
<X_AVM-DE_Guest>0</X_AVM-DE_Guest><X_AVM-DE_FriendlyName>Echo &amp; Küche</X_AVM-DE_FriendlyName>
<X_AVM-DE_MACAddressList>44:65:0D:12:34:56,44:65:0D:12:34:57</X_AVM-DE_MACAddressList></Item>
<Item><IPAddress>192.168.179.21</IPAddress><MACAddress>00:00:5E:00:53:30</MACAddress><Active>1</Active>
<HostName>phone</HostName><X_AVM-DE_Guest>1</X_AVM-DE_Guest></Item>
<Item><IPAddress>192.168.178.22</IPAddress><MACAddress>00:00:5E:00:53:31</MACAddress><Active>0</Active></Item>
<Item><IPAddress>192.168.178.201</IPAddress><MACAddress></MACAddress><Active>1</Active></Item>
</List>";

    #[test]
    fn hosts_are_read_with_their_names_and_all_their_mac_addresses() {
        let told = parse("box", LIST).unwrap();
        let shown: Vec<_> = told
            .bindings
            .iter()
            .map(|b| format!("{} {} {} {}", b.addr, b.mac, b.name.as_deref().unwrap_or("-"), b.guest))
            .collect();
        assert_eq!(
            shown,
            [
                "192.168.178.20 44:65:0d:12:34:56 Echo & Küche false",
                "192.168.179.21 00:00:5e:00:53:30 phone true"
            ]
        );
        let second: MacAddr = "44:65:0d:12:34:57".parse().unwrap();
        let about = told.about.iter().find(|(mac, _)| *mac == second).unwrap();
        assert_eq!(about.1.name.as_deref(), Some("Echo & Küche"));
        assert_eq!(told.doubt, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let told = parse("box", &LIST.replace("00:00:5E:00:53:30", "00:00")).unwrap();
        assert!(told.doubt.unwrap().to_string().starts_with("box:6:1: warning: `00:00`: not a MAC address"));
        assert_eq!(told.bindings.len(), 1);
        let fault = parse("box", "<List>\n<Item></Host>").unwrap_err().to_string();
        assert!(fault.starts_with("box:2:1: warning: not XML"), "{fault}");
        // Nothing is expanded.
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><List>&b;</List>";
        assert!(parse("box", bomb).is_err());
    }

    #[test]
    fn the_path_of_the_list_is_a_path() {
        let answer = |path: &str| {
            path_in(&format!("<a><NewX_AVM-DE_HostListPath>{path}</NewX_AVM-DE_HostListPath></a>"))
        };
        assert_eq!(answer("/devicehostlist.lua?sid=12ab"), Some("/devicehostlist.lua?sid=12ab".to_owned()));
        for wrong in ["", "http://192.0.2.1/", "/a b", "@192.0.2.1/"] {
            assert_eq!(answer(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_proof_is_the_one_of_the_specification() {
        let challenge =
            "Digest realm=\"HTTPS Access\", nonce=\"0123456789ABCDEF\", algorithm=MD5, qop=\"auth\"";
        let proof = proof(challenge, "sordino", "secret", "0a4f113b").unwrap();
        // As Python's hashlib computes it.
        assert!(proof.contains("response=\"954c52defef7f8444a7398da3983ba72\""), "{proof}");
        for unknown in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-256, qop=\"auth\"",
        ] {
            assert_eq!(super::proof(unknown, "sordino", "secret", "0a4f113b"), None, "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n|<|>|Item|MACAddress){0,200}") {
            let _ = parse("box", &text);
            let _ = path_in(&text);
            let _ = proof(&format!("Digest {text}"), "a", "b", "c");
        }
    }
}
