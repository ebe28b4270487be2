package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tripline/auditrules"
	"tripline/internal/diag"
	"tripline/internal/termtext"
)

// checkConfiguration says whether the configuration is valid.
func (e *examination) checkConfiguration() Check {
	check := Check{ID: "configuration", Title: "configuration", State: OK, Text: "valid"}
	if e.ConfigErr != nil {
		check.State = Failed
		check.Text = "has defects; the rest is examined with the defaults"
		check.Details = firstLines(e.ConfigErr)
		check.Mend = "tripline check"
	}
	return check
}

// checkDetectionRules says how many detection rules run.
func (e *examination) checkDetectionRules() Check {
	check := Check{ID: "detection_rules", Title: "detection rules", State: OK}
	check.Text = termtext.Plural(e.Rules, "rule runs", "rules run")
	switch {
	case e.Rules == 0:
		check.State, check.Text = Failed, "none runs, so nothing would be detected"
	case e.RulesErr != nil:
		check.State = Warning
		check.Text += "; " + termtext.Plural(len(diag.Flatten(e.RulesErr)), "defect keeps", "defects keep") + " others from running"
	case e.PlanErr != nil:
		check.State = Failed
		check.Text += ", but what they need of the kernel cannot be worked out: " + e.PlanErr.Error()
	}
	if e.RulesErr != nil {
		check.Details = firstLines(e.RulesErr)
	}
	if check.State != OK {
		check.Mend = "tripline check"
	}
	return check
}

// detailLines is how many details a person is shown.
const detailLines = 4

// firstLines are the first errors that err joins.
func firstLines(err error) []string {
	var lines []string
	for i, one := range diag.Flatten(err) {
		if i == detailLines {
			return append(lines, "…")
		}
		lines = append(lines, one.Error())
	}
	return lines
}

// checkForeignRules finds rules of others that hide what is to be reported.
func (e *examination) checkForeignRules() Check {
	return e.inspect(Check{ID: "foreign_rules", Title: "rules of others"}, func(hidesTasks bool) bool { return !hidesTasks })
}

// checkTaskRules finds the rule never,task, which distributions ship.
func (e *examination) checkTaskRules() Check {
	return e.inspect(Check{ID: "task_rules", Title: "never,task"}, func(hidesTasks bool) bool { return hidesTasks })
}

// inspect is a check of the kernel's rules, of those that wanted takes.
func (e *examination) inspect(check Check, wanted func(hidesTasks bool) bool) Check {
	switch {
	case e.rulesErr != nil:
		return e.unseen(check, e.rulesErr)
	case e.Plan == nil:
		return e.unseen(check, errors.New("which calls matter is not known"))
	}
	others := 0
	for _, wire := range e.rules {
		if !e.Plan.Has(wire) {
			others++
		}
	}
	check.State, check.Text = OK, "none"
	if others > 0 {
		check.Text = fmt.Sprintf("%d, of which none hides what Tripline reports", others)
	}
	var found []auditrules.Finding
	for _, one := range auditrules.Inspect(e.rules, e.Plan, e.features.Machine) {
		if wanted(one.HidesTasks) {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b auditrules.Finding) int { return cmp.Compare(b.Effect, a.Effect) })
	if len(found) == 0 {
		if wanted(true) {
			check.Text = "no rule keeps new programs from being audited"
		}
		return check
	}
	e.report(&check, found)
	return check
}

// report puts findings, the worst first, into a check.
func (e *examination) report(check *Check, found []auditrules.Finding) {
	worst := found[0]
	check.State = Warning
	if worst.Effect == auditrules.HidesAll {
		check.State = Failed
	}
	check.Text = worst.Text
	if len(found) > 1 {
		check.Text += fmt.Sprintf("; %s", termtext.Plural(len(found)-1, "more rule hides or costs something", "more rules hide or cost something"))
	}
	if file := e.host.rulesFileWith("never,task"); file != "" && worst.HidesTasks {
		check.Text += "; it comes back at boot from /" + file
	}
	check.Mend = worst.Mend
	if check.Mend != "" && e.status.Locked() {
		check.Text += "; the rules are locked: take it out of /etc/audit/rules.d and reboot"
		check.Mend = ""
	}
	for i, one := range found {
		if i == detailLines {
			check.Details = append(check.Details, "…")
			break
		}
		check.Details = append(check.Details, one.Line)
	}
}

// rulesFileWith finds the file of audit rules, loaded at boot, that has a rule with
// the text; empty for none.
func (h host) rulesFileWith(text string) string {
	files, err := fs.Glob(h.files, "etc/audit/rules.d/*.rules")
	if err != nil {
		return "" // the pattern is right
	}
	for _, file := range append(files, "etc/audit/audit.rules") {
		for line := range strings.Lines(h.text(file)) {
			if strings.Contains(line, text) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				return file
			}
		}
	}
	return ""
}
