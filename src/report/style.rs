//! Colours and forms of all pictures, for light and dark.
//
//  The five colours of lanes keep apart for eyes that lack one kind of cone: by
//  the model of Machado et al. (2009) any two are at least 22 (CIE76) from each
//  other, in light and dark.  And no picture tells anything by colour alone: each
//  lane has its label, and what was prevented is hatched.

use super::lane::Lane;

/// The style sheet that pages and pictures that stand alone share.
pub(super) const STYLE: &str = "\
:root{--ink:#1b2230;--faint:#5b6577;--paper:#ffffff;--card:#f5f6f9;--line:#d3d8e2;--night:#e9ecf5;\
--function:#1d4f9e;--content:#0a8a6e;--upkeep:#cf9f12;--unknown:#a3aab6;--tracking:#bf3205}\
@media screen and (prefers-color-scheme:dark){:root{--ink:#e8ebf2;--faint:#a0a9bb;--paper:#12161f;\
--card:#1a202c;--line:#3a4355;--night:#222a3d;--function:#4a86f7;--content:#3fd6b4;--upkeep:#f0d060;\
--unknown:#78829a;--tracking:#f4621f}}\
svg{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;font-size:13px}\
svg text{fill:var(--ink)}svg .faint{fill:var(--faint)}svg .small{font-size:12px}\
svg .head{font-weight:600;font-size:16px}svg .title{font-weight:600;font-size:22px}\
svg .on{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}\
svg .paper{fill:var(--paper)}svg .card{fill:var(--card)}svg .night{fill:var(--night)}\
svg .line{stroke:var(--line);stroke-width:1;fill:none}svg .mark{stroke:var(--tracking);stroke-width:1;fill:none}\
svg .wall{fill:var(--ink)}svg .node{fill:var(--faint)}svg .nothing{fill:url(#nothing)}\
svg .dots{fill:var(--faint)}\
svg .function{fill:var(--function)}svg .content{fill:var(--content)}svg .upkeep{fill:var(--upkeep)}\
svg .unknown{fill:var(--unknown)}svg .tracking{fill:var(--tracking)}\
svg .no-function{fill:url(#no-function)}svg .no-content{fill:url(#no-content)}\
svg .no-upkeep{fill:url(#no-upkeep)}svg .no-unknown{fill:url(#no-unknown)}\
svg .no-tracking{fill:url(#no-tracking)}svg .flow{opacity:.6}";

/// Returns the hatches, one for each lane, and the dots where there is no log.
pub(super) fn hatches() -> String {
    let hatch = |lane: Lane| {
        let class = lane.class();
        format!(
            "<pattern id=\"no-{class}\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"4\" height=\"4\" class=\"{class}\" opacity=\".22\"/>\
             <rect width=\"1.9\" height=\"4\" class=\"{class}\"/></pattern>"
        )
    };
    let dots = "<pattern id=\"nothing\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
                <circle cx=\"1.5\" cy=\"1.5\" r=\".8\" class=\"dots\" opacity=\".6\"/></pattern>";
    let all: String = Lane::ALL.into_iter().map(hatch).collect();
    format!("<defs>{all}{dots}</defs>")
}
