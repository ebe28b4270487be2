package alertview

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tripline/detect"
	"tripline/internal/version"
)

// Report is a page about some alerts.
type Report struct {
	// Made is when, and Selection says in words which alerts were asked for.
	Made      time.Time
	Selection []Fact
	// Alerts are in the order of time. Dropped counts older ones that are not on
	// the page.
	Alerts  []*Account
	Dropped uint64
}

// reportPage is what the page shows.
type reportPage struct {
	*Report
	Title, Version string
	Severities     []count
	Rules, Hosts   []count
	Guides         []guide
}

// count is how many alerts have something in common.
type count struct {
	Name string
	N    int
}

// guide is what is said once for all alerts of a rule.
type guide struct {
	Anchor string
	*Account
}

// HTML writes the report as one page of HTML that needs nothing else: no script,
// no font, no image from elsewhere. Text of alerts cannot become part of the
// page's structure.
func (r *Report) HTML(to io.Writer) error {
	page := &reportPage{Report: r, Version: version.Version, Title: fmt.Sprintf("%d alerts", len(r.Alerts))}
	if len(r.Alerts) == 1 {
		page.Title = cmp.Or(r.Alerts[0].Rule, "Alert")
	}
	page.count()
	if _, err := io.WriteString(to, page.html().String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// count adds up what alerts have in common.
func (p *reportPage) count() {
	severities, rules, hosts := map[string]int{}, map[string]int{}, map[string]int{}
	known := make(map[string]bool)
	for _, one := range p.Alerts {
		severities[cmp.Or(one.Severity, "unknown")]++
		rules[cmp.Or(one.Rule, "unknown")]++
		hosts[cmp.Or(one.Host, "unknown")]++
		if key := guideKey(one); !known[key] {
			known[key] = true
			p.Guides = append(p.Guides, guide{fmt.Sprintf("guide-%d", len(p.Guides)+1), one})
		}
	}
	for _, name := range slices.Backward(append([]string{"unknown"}, detect.Severities()...)) {
		if n := severities[name]; n > 0 {
			p.Severities = append(p.Severities, count{name, n})
		}
	}
	p.Rules, p.Hosts = sorted(rules), sorted(hosts)
}

// guideKey tells the rules apart whose text is shown once.
func guideKey(a *Account) string {
	return a.RuleID + "\n" + a.RuleVersion + "\n" + a.Rule + "\n" + a.Guide
}

// anchor is where the guide of an alert's rule is.
func (p *reportPage) anchor(a *Account) string {
	for _, one := range p.Guides {
		if guideKey(one.Account) == guideKey(a) {
			return one.Anchor
		}
	}
	return ""
}

// sorted puts the most frequent first.
func sorted(counts map[string]int) []count {
	all := make([]count, 0, len(counts))
	for name, n := range counts {
		all = append(all, count{name, n})
	}
	slices.SortStableFunc(all, func(a, b count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name)) })
	return all
}

// severityClass is a severity if it is one, for it becomes part of a class.
func severityClass(name string) string {
	if slices.Contains(detect.Severities(), name) {
		return name
	}
	return "unknown"
}
