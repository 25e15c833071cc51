//! Who talks to whom, and what about: bands from speakers to companies to
//! purposes, as wide as there were look-ups.  What was prevented is hatched and
//! ends at a wall.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Settings;
use super::facts::Apart;
use super::facts::Flows;
use super::lane::Count;
use super::lane::Lane;
use super::svg::Anchor;
use super::svg::SMALL;
use super::svg::Svg;
use super::svg::as_f64;
use super::svg::fit;
use super::words::Words;
use crate::catalog::Purpose;

/// How wide a box is.
const BOX: f64 = 9.0;

/// How high a column's boxes are together.
const HEIGHT: f64 = 250.0;

/// The gap above a box, where its label stands.
const GAP: f64 = 20.0;

/// How high a line is of the label beside a box.
const LINE: f64 = 14.0;

/// The lowest height at which a box can be seen.
const LEAST: f64 = 3.0;

/// The gap between what was answered and what was prevented.
const PART: f64 = 3.0;

/// A box.
struct Node {
    /// Its upper edge.
    y: f64,
    /// What there is of it.
    count: Count,
    /// Its name.
    label: String,
}

/// A band between two columns.
struct Band {
    /// The number of the box it comes from.
    from: usize,
    /// The number of the box it goes to.
    to: usize,
    /// What it is for.
    lane: Lane,
    /// Whether it was prevented.
    prevented: bool,
    /// Look-ups.
    number: u64,
}

/// Draws it.
pub(super) fn flow(flows: &Flows, settings: &Settings, width: f64) -> Svg {
    let words = settings.lang.words();
    let mut svg = Svg::new(width);
    let speakers = order(flows.iter().map(|((who, ..), count)| (who.clone(), *count)));
    let companies = order(flows.iter().map(|((_, whom, _), count)| (whom.clone(), *count)));
    let purposes = purposes(flows);
    let total: Count = flows.values().copied().sum();
    let scale = HEIGHT / as_f64(total.all().max(1));
    let columns = [
        speakers.iter().map(|(who, count)| (words.apart(who, true), *count)).collect(),
        companies.iter().map(|(whom, count)| (words.apart(whom, false), *count)).collect(),
        purposes.iter().map(|(purpose, count)| (words.purpose(*purpose).to_owned(), *count)).collect(),
    ];
    let columns = place(columns, scale, svg.is_wide());
    let bottom = columns.iter().flatten().map(|node| node.y + height(node.count, scale)).fold(0.0, f64::max);
    svg.height = bottom + 16.0;
    // On a wide screen purposes have their labels beside them.
    let xs =
        if svg.is_wide() { [0.0, 310.0, width - 165.0] } else { [0.0, (width - BOX) / 2.0, width - BOX] };
    let mut first: BTreeMap<(usize, usize, Lane), Count> = BTreeMap::new();
    let mut second: BTreeMap<(usize, usize, Lane), Count> = BTreeMap::new();
    for ((who, whom, purpose), count) in flows {
        let who = speakers.iter().position(|(other, _)| other == who).unwrap_or(0);
        let whom = companies.iter().position(|(other, _)| other == whom).unwrap_or(0);
        let what = purposes.iter().position(|(other, _)| other == purpose).unwrap_or(0);
        *first.entry((who, whom, Lane::of(*purpose))).or_default() += *count;
        *second.entry((whom, what, Lane::of(*purpose))).or_default() += *count;
    }
    let [left, middle, right] = &columns;
    bands(&mut svg, &parts(&first), (left, xs[0] + BOX), (middle, xs[1]), false, scale, words);
    bands(&mut svg, &parts(&second), (middle, xs[1] + BOX), (right, xs[2]), true, scale, words);
    boxes(&mut svg, left, xs[0], scale);
    boxes(&mut svg, middle, xs[1], scale);
    for (node, (purpose, _)) in right.iter().zip(&purposes) {
        ends(&mut svg, node, Lane::of(*purpose), xs[2], scale);
    }
    labels(&mut svg, &columns, xs);
    counts(&mut svg, right, xs[2], scale, words);
    svg
}

/// Puts those who count most first, and others last.
fn order(all: impl Iterator<Item = (Apart, Count)>) -> Vec<(Apart, Count)> {
    let mut sums: BTreeMap<Apart, Count> = BTreeMap::new();
    for (name, count) in all {
        *sums.entry(name).or_default() += count;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(name, count)| (matches!(name, Apart::Others(_)), Reverse(count.all())));
    sums
}

/// Returns the purposes there are, lane by lane.
fn purposes(flows: &Flows) -> Vec<(Purpose, Count)> {
    let mut sums: BTreeMap<Purpose, Count> = BTreeMap::new();
    for ((.., purpose), count) in flows {
        *sums.entry(*purpose).or_default() += *count;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(purpose, count)| (Lane::of(*purpose), Reverse(count.all())));
    sums
}

/// Places the boxes; shorter columns stand in the middle.
fn place(columns: [Vec<(String, Count)>; 3], scale: f64, wide: bool) -> [Vec<Node>; 3] {
    let room = |nth: usize, count: Count| {
        let box_height = height(count, scale);
        if nth == 2 && wide { box_height.max(LINE * lines(count)) + 8.0 } else { box_height + GAP }
    };
    let height_of = |(nth, column): (usize, &Vec<(String, Count)>)| -> f64 {
        column.iter().map(|(_, count)| room(nth, *count)).sum()
    };
    let heights: Vec<f64> = columns.iter().enumerate().map(height_of).collect();
    let most = heights.iter().copied().fold(0.0, f64::max);
    let mut starts = heights.into_iter().enumerate();
    columns.map(|column| {
        let (nth, height_of) = starts.next().unwrap_or_default();
        let mut bottom = (most - height_of) / 2.0;
        let node = |(label, count): (String, Count)| {
            let (room, box_height) = (room(nth, count), height(count, scale));
            bottom += room;
            let below = if nth == 2 && wide { (room - box_height) / 2.0 } else { 0.0 };
            Node { y: bottom - below - box_height, count, label }
        };
        column.into_iter().map(node).collect()
    })
}

/// Returns how high a box is.
fn height(count: Count, scale: f64) -> f64 {
    let between = if count.reached > 0 && count.prevented > 0 { PART } else { 0.0 };
    (as_f64(count.all()) * scale).max(LEAST) + between
}

/// Splits counts into bands.
fn parts(counts: &BTreeMap<(usize, usize, Lane), Count>) -> Vec<Band> {
    let split = |(&(from, to, lane), count): (&(usize, usize, Lane), &Count)| {
        let band = |number, prevented| Band { from, to, lane, prevented, number };
        [band(count.reached, false), band(count.prevented, true)]
    };
    counts.iter().flat_map(split).filter(|band| band.number > 0).collect()
}

/// Draws the bands between two columns.
fn bands(
    svg: &mut Svg,
    bands: &[Band],
    (left, x1): (&[Node], f64),
    (right, x2): (&[Node], f64),
    last: bool,
    scale: f64,
    words: &Words,
) {
    let wide = |band: &Band| as_f64(band.number) * scale;
    let leave = ports(bands, |band| (band.from, band.to, band.lane, band.prevented), wide, left);
    let arrive = ports(
        bands,
        |band| (band.to, usize::from(last && band.prevented), band.lane, band.prevented),
        wide,
        right,
    );
    for ((band, y1), y2) in bands.iter().zip(leave).zip(arrive) {
        let (Some(from), Some(to)) = (left.get(band.from), right.get(band.to)) else { continue };
        // At the end, what was prevented is a part of its own.
        let apart = if last && band.prevented && to.count.reached > 0 { PART } else { 0.0 };
        let no = if band.prevented { "no-" } else { "" };
        let word = if band.prevented { words.prevented } else { words.reached };
        let about = format!(
            "{} → {}, {}: {} {word}",
            from.label,
            to.label,
            words.lane(band.lane),
            words.number(band.number)
        );
        let class = format!("{no}{}", band.lane.class());
        svg.band((x1, y1), (x2, y2 + apart), wide(band).max(0.7), &class, &about);
    }
}

/// Returns where each band meets its box, if they lie there in the order of
/// `key`, which begins with the number of the box.
fn ports<K: Ord>(
    bands: &[Band],
    key: impl Fn(&Band) -> (usize, usize, Lane, K),
    wide: impl Fn(&Band) -> f64,
    nodes: &[Node],
) -> Vec<f64> {
    let mut next: Vec<f64> = nodes.iter().map(|node| node.y).collect();
    let mut order: Vec<usize> = (0..bands.len()).collect();
    order.sort_by_key(|nth| bands.get(*nth).map(&key));
    let mut ys = vec![0.0; bands.len()];
    for nth in order {
        let Some(band) = bands.get(nth) else { continue };
        let (Some(y), Some(next)) = (ys.get_mut(nth), next.get_mut(key(band).0)) else { continue };
        *y = *next;
        *next += wide(band);
    }
    ys
}

/// Draws the boxes of speakers or companies.
fn boxes(svg: &mut Svg, nodes: &[Node], x: f64, scale: f64) {
    for node in nodes {
        svg.rect((x, node.y), (BOX, height(node.count, scale)), "node");
    }
}

/// Draws the box of a purpose, and the wall at which its prevented part ends.
fn ends(svg: &mut Svg, node: &Node, lane: Lane, x: f64, scale: f64) {
    let [reached, prevented] = [node.count.reached, node.count.prevented].map(|part| as_f64(part) * scale);
    if node.count.reached > 0 {
        svg.rect((x, node.y), (BOX, reached.max(LEAST)), lane.class());
    }
    if node.count.prevented > 0 {
        let part = if node.count.reached > 0 { PART } else { 0.0 };
        svg.rect((x, node.y + reached + part), (4.0, prevented.max(LEAST)), "wall");
    }
}

/// Writes the names above boxes.
fn labels(svg: &mut Svg, columns: &[Vec<Node>; 3], xs: [f64; 3]) {
    let rooms = if svg.is_wide() { [200.0, 205.0, 0.0] } else { [122.0, 110.0, 136.0] };
    let anchors = [(0.0, Anchor::Start), (BOX / 2.0, Anchor::Middle), (BOX, Anchor::End)];
    for (((nodes, x), room), (aside, anchor)) in columns.iter().zip(xs).zip(rooms).zip(anchors) {
        for node in nodes.iter().filter(|_| room > 0.0) {
            svg.text((x + aside, node.y - 5.0), anchor, "small on", &fit(&node.label, SMALL, room));
        }
    }
}

/// Writes the names of purposes beside them, with numbers, where there is room.
fn counts(svg: &mut Svg, nodes: &[Node], x: f64, scale: f64, words: &Words) {
    if !svg.is_wide() {
        return;
    }
    for node in nodes {
        let Count { reached, prevented } = node.count;
        let middle = node.y + height(node.count, scale) / 2.0;
        let mut y = middle - LINE * lines(node.count) / 2.0 + 11.0;
        svg.text((x + BOX + 6.0, y), Anchor::Start, "small", &node.label);
        for count in [Count { reached, prevented: 0 }, Count { reached: 0, prevented }] {
            if count.all() > 0 {
                y += LINE;
                svg.text((x + BOX + 6.0, y), Anchor::Start, "small faint", &words.counted(count));
            }
        }
    }
}

/// Returns how many lines the label beside a box has.
fn lines(count: Count) -> f64 {
    if count.reached > 0 && count.prevented > 0 { 3.0 } else { 2.0 }
}
