"""Widgets room: the look of a run's page, and its one script, which fits frames to their content."""

from __future__ import annotations

from jupyter_kf.widgets.graph import GRAPH_STYLE

STYLE = (
    """
:root{color-scheme:light dark;--kf-ink:#1b2330;--kf-soft:#5a6575;--kf-bg:#f5f6f8;--kf-card:#fff;--kf-line:#dde1e7;
--kf-muted:#939cab;--kf-code:#f6f8fa;--kf-good:#187a48;--kf-bad:#c02b2b;--kf-busy:#1d63d8;--kf-warn:#a86200;
--kf-cached:#6a57cc;--c-key:#8a2a9b;--c-str:#1f6f3e;--c-num:#9a4a00;--c-com:#6b7585;--c-fun:#1d57b8}
@media(prefers-color-scheme:dark){:root{--kf-ink:#dbe1ea;--kf-soft:#98a3b3;--kf-bg:#12161c;--kf-card:#1a2029;
--kf-line:#2d3540;--kf-muted:#6c7787;--kf-code:#141a22;--kf-good:#52c486;--kf-bad:#ff7b72;--kf-busy:#6ea8ff;
--kf-warn:#e0a44c;--kf-cached:#a597ff;--c-key:#d79be6;--c-str:#8ed0a5;--c-num:#e9b27a;--c-com:#7d8898;--c-fun:#8db8ff}
img.fig{background:#fff;border-radius:6px}}
*{box-sizing:border-box}body{margin:0;background:var(--kf-bg);color:var(--kf-ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1080px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:26px;line-height:1.2;margin:0;overflow-wrap:anywhere}h2{font-size:15px;margin:0 0 10px}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:12.5px}
.title{display:flex;gap:14px;align-items:center;flex-wrap:wrap}
.pill{border:1px solid currentColor;border-radius:99px;padding:1px 12px;font-size:13px}
.facts{display:flex;flex-wrap:wrap;gap:6px 30px;margin:14px 0 18px}.facts dt{font-size:12px;color:var(--kf-soft)}
.facts dd{margin:0;font-variant-numeric:tabular-nums}
.tag{display:inline-block;border:1px solid var(--kf-line);border-radius:6px;padding:0 8px;margin-right:6px;
font-size:13px;background:var(--kf-card)}.note{border-left:3px solid var(--kf-muted);padding-left:12px;
color:var(--kf-soft)}
.card{background:var(--kf-card);border:1px solid var(--kf-line);border-radius:10px;padding:16px 18px;margin:0 0 16px}
.scroll{overflow-x:auto}.soft{color:var(--kf-soft)}.columns{display:grid;gap:0 16px;
grid-template-columns:repeat(auto-fit,minmax(290px,1fr))}.charts{grid-column:1/-1}
.kf-graph{display:block;margin:0 auto}
.s{font-weight:600;font-size:13px;white-space:nowrap}.SUCCEEDED>.s,.s.SUCCEEDED{color:var(--kf-good)}
.FAILED>.s,.s.FAILED{color:var(--kf-bad)}.s.RUNNING{color:var(--kf-busy)}
.s.INTERRUPTED,.s.CANCELED,.s.CANCELING{color:var(--kf-warn)}.s.PENDING,.s.SKIPPED{color:var(--kf-soft)}
.pill.SUCCEEDED{color:var(--kf-good)}.pill.FAILED{color:var(--kf-bad)}.pill.RUNNING{color:var(--kf-busy)}
.pill.INTERRUPTED,.pill.CANCELED{color:var(--kf-warn)}
table.kft,table.pairs{border-collapse:collapse;font-size:13.5px;width:100%}
table.kft th{color:var(--kf-soft);font-weight:600;font-size:12px;text-align:left}
table.kft th,table.kft td{padding:5px 16px 5px 0;border-bottom:1px solid var(--kf-line);vertical-align:top}
table.kft tr:last-child td{border-bottom:0}table.kft .n{text-align:right;font-variant-numeric:tabular-nums;
white-space:nowrap}
table.kft td:last-child{width:60%}
table.pairs th{text-align:left;font-weight:400;color:var(--kf-soft);padding:3px 14px 3px 0;vertical-align:top;
white-space:nowrap}table.pairs td{padding:3px 0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere;width:99%}
a{color:var(--kf-busy);text-decoration:none}a:hover{text-decoration:underline}
a:focus-visible,summary:focus-visible{outline:2px solid var(--kf-busy);outline-offset:2px;border-radius:3px}
.finding{border-left:3px solid var(--kf-muted);background:var(--kf-card);padding:8px 14px;margin:0 0 16px;
border-radius:0 8px 8px 0}.finding.error{border-color:var(--kf-bad)}.finding pre{margin:6px 0}
.step{border-left:4px solid var(--kf-muted)}.step.SUCCEEDED{border-left-color:var(--kf-good)}
.step.FAILED{border-left-color:var(--kf-bad)}.step.RUNNING{border-left-color:var(--kf-busy)}
.step.CANCELED,.step.INTERRUPTED{border-left-color:var(--kf-warn)}
.stephead{display:flex;gap:14px;align-items:baseline;flex-wrap:wrap}.stephead h2{font-size:18px;margin:0}
.flows{margin:4px 0 10px;font-size:13px;color:var(--kf-soft)}.flow{margin-right:20px}.flow b{font-weight:600}
.flow code{color:var(--kf-ink)}.cell{margin:12px 0 0}summary{cursor:pointer;font-size:12px;color:var(--kf-soft)}
pre.src{background:var(--kf-code);border:1px solid var(--kf-line);border-radius:7px;padding:10px 12px;margin:4px 0 8px;
overflow-x:auto;tab-size:4}
pre.out{margin:6px 0;padding:0 2px;white-space:pre-wrap;overflow-wrap:anywhere;max-height:32em;overflow-y:auto}
pre.stderr{border-left:3px solid var(--kf-warn);padding-left:10px}
pre.err{border-left:3px solid var(--kf-bad);padding-left:10px;color:var(--kf-bad)}
img.fig{display:block;max-width:100%;height:auto;margin:8px 0;padding:4px}
iframe.html{display:block;width:100%;height:60px;border:0;margin:6px 0}
.charts{display:flex;flex-wrap:wrap;gap:8px 24px}.charts h2{flex-basis:100%;margin:0}
.chart{margin:0;width:300px}.chart figcaption{font-size:13px;color:var(--kf-soft)}.chart b{color:var(--kf-ink)}
.chart svg{width:100%}.chart text{font-size:10px;fill:var(--kf-soft)}.chart .axis{stroke:var(--kf-line)}
.chart .line{fill:none;stroke:var(--kf-busy);stroke-width:1.8;stroke-linejoin:round}.chart .dot{fill:var(--kf-busy)}
.packages{font-size:12.5px;color:var(--kf-soft)}footer{color:var(--kf-soft);font-size:12.5px;margin-top:26px}
.k,.kn,.kc,.kd,.ow,.kr{color:var(--c-key)}.s1,.s2,.sd,.sa,.si,.se,.sb{color:var(--c-str)}
.mi,.mf,.mh,.mb,.mo{color:var(--c-num)}.c1,.ch,.cm{color:var(--c-com);font-style:italic}
.nf,.nc,.nd,.fm{color:var(--c-fun)}.nb,.bp{color:var(--c-fun)}
@media print{body{background:#fff}.card{break-inside:avoid;border-color:#ccc}pre.out{max-height:none}}
"""
    + GRAPH_STYLE
)

SCRIPT = """
for (const frame of document.querySelectorAll("iframe.html")) {
  const fit = () => {
    const page = frame.contentDocument;
    if (page && page.body) frame.style.height = Math.min(page.documentElement.scrollHeight + 4, 1400) + "px";
  };
  frame.addEventListener("load", fit);
  window.addEventListener("resize", fit);
  fit();
}
"""
