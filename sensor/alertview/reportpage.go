package alertview

import (
	_ "embed"
	"strconv"
	"strings"
	"time"

	"tripline/internal/termtext"
)

//go:embed report.css
var reportStyle string

// html writes the whole page.
func (p *reportPage) html() *page {
	to := new(page)
	to.add(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>% – Tripline</title>
<style>
`, p.Title)
	to.WriteString(reportStyle)
	to.add(`</style>
</head>
<body>
<header class="top"><div>
<p class="brand">Tripline alert report</p>
<h1>%</h1>
<p class="meta">Made % UTC`, p.Title, day(p.Made))
	for _, one := range p.Selection {
		to.add(` · % <span class="mono">%</span>`, one.Name, one.Value)
	}
	to.add("</p>")
	to.addIf(p.Dropped > 0, `
<p class="meta">% older alerts are not on this page.</p>`, strconv.FormatUint(p.Dropped, 10))
	to.add("\n</div></header>\n<main>")
	if len(p.Alerts) != 1 {
		p.overview(to)
	}
	for _, one := range p.Alerts {
		p.alert(to, one)
	}
	for _, one := range p.Guides {
		guideCard(to, one)
	}
	to.add(`
</main>
<footer>Tripline %. Times are in UTC. Characters that do not print are shown as escapes such as \x1b.</footer>
</body>
</html>
`, p.Version)
	return to
}

// overview is the list of alerts, with what they have in common.
func (p *reportPage) overview(to *page) {
	to.add(`
<section class="card">`)
	if len(p.Alerts) == 0 {
		to.add(`
<p class="soft">There is no such alert.</p>
</section>`)
		return
	}
	to.add(`
<div class="tiles">
<div><h3>Severity</h3><ul>`)
	for _, one := range p.Severities {
		to.add(`<li class="%"><span class="badge">%</span> <b>%</b></li>`, severityClass(one.Name), one.Name, strconv.Itoa(one.N))
	}
	to.add("</ul></div>\n<div><h3>Rules</h3><ul>")
	counts(to, p.Rules)
	to.add("</ul></div>\n<div><h3>Hosts</h3><ul>")
	counts(to, p.Hosts)
	to.add(`</ul></div>
</div>
<section class="part">
<h3>Alerts</h3>
<div class="scroll"><table class="index">
<tr><th>time (UTC)</th><th>severity</th><th>alert</th><th>host</th><th>process</th><th>rule</th></tr>`)
	for _, one := range p.Alerts {
		to.add(`
<tr class="%"><td>%</td><td><span class="badge">%</span></td><td><a href="#alert-%" class="mono">%</a></td><td`,
			severityClass(one.Severity), day(one.Time), one.Severity, one.ID, first(one.ID, ShownID))
		to.addIf(isShort(one.Host), ` class="nowrap"`)
		to.add(`>%</td><td class="mono">%</td><td>%</td></tr>`, one.Host, one.Subject(), one.Rule)
	}
	to.add(`
</table></div>
</section>
</section>`)
}

func counts(to *page, all []count) {
	for _, one := range all {
		to.add(`<li><span>%</span> <b>%</b></li>`, one.Name, strconv.Itoa(one.N))
	}
}

// alert is the card of one alert.
func (p *reportPage) alert(to *page, a *Account) {
	to.add(`
<article class="card alert %" id="alert-%">
<p class="meta" style="margin-top:0"><span class="badge">% · RISK %</span>`,
		severityClass(a.Severity), a.ID, strings.ToUpper(a.Severity), a.Risk)
	to.addIf(a.Test, ` <span class="badge">SELF-TEST</span>`)
	to.add(`</p>
<h2>%</h2>
<p class="meta">% UTC`, a.Rule, a.Time.UTC().Format(timeFormat))
	to.addIf(a.Host != "", ` on <strong>%</strong>`, a.Host)
	to.add(` · alert <span class="mono">%</span></p>`, a.ID)
	if len(a.Warnings) > 0 {
		to.add("\n")
		notesBox(to, a.Warnings)
	}
	to.add("\n<div class=\"pair\">")
	timeline(to, a.Steps)
	to.add("\n<div>")
	partOfFacts(to, `<section class="part"><h3>Who</h3>`, a.Who)
	partOfFacts(to, `<section class="part"><h3>Process</h3>`, a.Process)
	to.add("\n</div>\n</div>")
	if len(a.Hints) > 0 {
		to.add(`
<section class="part"><h3>What the evidence shows</h3><ul class="plain">`)
		for _, one := range a.Hints {
			to.add(`<li>• %</li>`, one)
		}
		to.add("</ul></section>")
	}
	lineagePart(to, a)
	for i := range a.Evidence {
		evidencePart(to, &a.Evidence[i])
	}
	tacticsPart(to, a.Tactics)
	partOfFacts(to, `<section class="part"><h3>Host</h3>`, a.HostFacts)
	to.add(`
<p class="meta">Rule <span class="mono">%</span>, version %: <a href="#%">description and investigation guide</a></p>
</article>`, a.RuleID, a.RuleVersion, p.anchor(a))
}

// timeline says what happened, step by step.
func timeline(to *page, steps []Step) {
	to.add(`
<section class="part">`)
	to.addIf(len(steps) > 0, `
<h3>What happened</h3>`)
	to.add(`
<ol class="timeline">`)
	for i := range steps {
		one := &steps[i]
		to.add("\n<li>")
		to.addIf(!one.Absent, `<span class="at">%</span>`, one.Time.UTC().Format(timeFormat))
		to.addIf(one.Offset() != "", `<span class="after">%</span>`, one.Offset())
		to.add(`
<div class="what">%</div>`, one.What)
		for _, detail := range one.Details {
			to.add(`<div class="detail mono">%</div>`, detail)
		}
		to.add("</li>")
	}
	to.add("\n</ol>\n</section>")
}

// lineagePart is the tree of processes, which is one line: lists nest.
func lineagePart(to *page, a *Account) {
	if len(a.Lineage) == 0 {
		return
	}
	to.add(`
<section class="part"><h3>Process tree</h3>
<ul class="tree">`)
	for i := range a.Lineage {
		to.addIf(i > 0, "<ul>")
		ancestor(to, &a.Lineage[i])
	}
	for i := range a.Lineage {
		to.addIf(i > 0, "</ul>")
		to.add("</li>")
	}
	to.add("</ul>")
	notesBox(to, a.LineageNotes)
	to.add("\n</section>")
}

// ancestor is a process of the tree; its item stays open.
func ancestor(to *page, one *Ancestor) {
	to.add(`<li><div class="proc`)
	to.addIf(one.Subject, " subject")
	to.add(`"><div class="name mono">%</div>`, one.Title())
	to.addIf(one.CommandLine != "", `<div class="mono">%</div>`, one.CommandLine)
	to.add("\n" + `<div class="soft">`)
	to.addIf(one.User != "", "user %", one.User)
	to.addIf(one.User != "" && one.Start != "", ", ")
	to.addIf(one.Start != "", "started %", one.Start)
	for _, note := range one.Notes {
		to.add(" · %", note)
	}
	to.add("</div></div>")
}

// evidencePart is a part of the evidence with its facts and tables.
func evidencePart(to *page, part *Section) {
	to.add(`
<section class="part"><h3>%`, part.Title)
	to.addIf(part.Read != "", ` <span class="read">read %</span>`, part.Read)
	to.add("</h3>")
	factsList(to, part.Facts)
	for i := range part.Grids {
		gridTable(to, &part.Grids[i])
	}
	to.addIf(len(part.Facts)+len(part.Grids)+len(part.Notes) == 0, `<p class="soft">none</p>`)
	notesBox(to, part.Notes)
	to.add("\n</section>")
}

func gridTable(to *page, one *Grid) {
	to.addIf(one.Title != "", `<p class="soft" style="margin:8px 0 0">%</p>`, one.Title)
	to.add(`
<div class="scroll"><table><tr>`)
	for _, name := range one.Columns {
		to.add("<th>%</th>", name)
	}
	to.add("</tr>")
	for _, row := range one.Rows {
		to.add("<tr>")
		for _, cell := range row {
			to.add(`<td class="mono`)
			to.addIf(isShort(cell), " nowrap")
			to.add(`">%</td>`, cell)
		}
		to.add("</tr>")
	}
	to.add("</table></div>")
}

// tacticsPart shows those of MITRE ATT&CK with their techniques.
func tacticsPart(to *page, all []Tactic) {
	if len(all) == 0 {
		return
	}
	to.add(`
<section class="part"><h3>MITRE ATT&amp;CK</h3>
<div class="mitre">`)
	for _, one := range all {
		to.add(`
<div class="tactic"><p><span class="id">%</span>%</p>
<ul>`, one.ID, one.Name)
		for _, technique := range one.Techniques {
			to.add("<li")
			to.addIf(technique.Sub, ` class="sub"`)
			to.add(`><span class="id">%</span>`, technique.ID)
			link(to, technique.Reference, technique.Name)
			to.add("</li>")
		}
		to.add("</ul></div>")
	}
	to.add("\n</div></section>")
}

// guideCard is what is said once for all alerts of a rule.
func guideCard(to *page, one guide) {
	to.add(`
<section class="card guide" id="%">
<h2>%</h2>
`, one.Anchor, one.Rule)
	markdown(to, one.Description)
	if len(one.References) > 0 {
		to.add("<ul>")
		for _, reference := range one.References {
			to.add("<li>")
			link(to, reference, reference)
			to.add("</li>")
		}
		to.add("</ul>")
	}
	for _, text := range one.FalsePositives {
		markdown(to, text)
	}
	to.add("\n")
	markdown(to, one.Guide)
	to.add("\n</section>")
}

// link shows a text, as a link where its target is the web.
func link(to *page, target, text string) {
	if target = linkTarget(target); target == "" {
		to.add("%", text)
		return
	}
	to.add(`<a href="%" rel="noreferrer">%</a>`, target, text)
}

// partOfFacts is a part of the card that has facts, with its beginning.
func partOfFacts(to *page, begin markup, all []Fact) {
	if len(all) > 0 {
		to.add(begin)
		factsList(to, all)
		to.add("</section>")
	}
}

func factsList(to *page, all []Fact) {
	if len(all) == 0 {
		return
	}
	to.add("\n<dl>")
	for _, one := range all {
		to.add(`<dt>%</dt><dd class="mono">%</dd>`, one.Name, one.Value)
	}
	to.add("</dl>")
}

func notesBox(to *page, all []string) {
	if len(all) == 0 {
		return
	}
	to.add(`<div class="warn">`)
	for _, one := range all {
		to.add("<p>%</p>", one)
	}
	to.add("</div>")
}

// day is a time to the second.
func day(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") }

// unbroken is the width up to which the text of a table's cell stays on one line.
const unbroken = 26

func isShort(cell string) bool { return termtext.Width(cell) <= unbroken }
