package health

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// checkRules looks for the sensor's own rules and for those that hide them.
func (w *Watcher) checkRules(status kernel.Status, now time.Time) {
	missing, hidden, err := w.Host.Look()
	spent := w.Now().Sub(now)
	w.nextLook, w.earliest = w.Now().Add(lookInterval), w.Now().Add(lookShare*spent)
	if err != nil {
		w.Board.Raise(Condition{Kind: StatusUnreadable, Subject: "rules", What: "the kernel's audit rules cannot be listed: " + err.Error()})
		return
	}
	w.Board.Clear(StatusUnreadable, "rules", "the kernel's audit rules can be listed again", nil)
	w.checkMissing(missing, status, now)
	w.checkHidden(hidden)
}

// checkMissing tells of rules that are gone, and adds them again where that is
// allowed and was not done too often.
func (w *Watcher) checkMissing(missing []auditrules.Rule, status kernel.Status, now time.Time) {
	if len(missing) == 0 {
		w.gone.forget()
		w.Board.Clear(RulesDeleted, "", "the sensor's kernel rules are all there again", nil)
		w.Board.Clear(RulesDeleted, "again", "the sensor's kernel rules are all there again", nil)
		return
	}
	who, at := w.who(func(c Change) bool { return c.Operation == "remove_rule" && hasKey(c.Key, w.Key) })
	lines := make([]string, 0, len(missing))
	for _, one := range missing {
		lines = append(lines, one.Line)
	}
	what := fmt.Sprintf("%d of the sensor's kernel rules were deleted: what they report is not seen", len(missing))
	w.Board.Raise(Condition{
		Kind: RulesDeleted, Who: who, Since: w.since(at), What: what, Detail: map[string]any{"rules": lines}, Extent: w.gone.of(lines),
	})
	if !w.Reinstall || status.Locked() {
		return
	}
	if !w.rules.due(now) {
		// The next attempt must not wait for the next sign of a change.
		w.nextLook = w.rules.next
		w.gaveUp()
		return
	}
	w.Board.Clear(RulesDeleted, "again", "the sensor adds its kernel rules again", nil)
	if err := w.Host.Reinstall(missing); err != nil {
		w.nextLook = w.rules.next
		return
	}
	w.gone.forget()
	w.Board.Clear(RulesDeleted, "", "the sensor added its kernel rules again", map[string]any{"rules": lines})
}

// gaveUp says that the rules are not added again for a while.
func (w *Watcher) gaveUp() {
	if w.rules.attempts < mendBurst {
		return
	}
	w.Board.Raise(Condition{
		Kind: RulesDeleted, Subject: "again", Since: w.rules.since,
		What: fmt.Sprintf("the sensor's kernel rules are deleted again and again; it does not add them before %s", timestamp(w.rules.next)),
	})
}

// hasKey says whether a record's key is or has the sensor's.
func hasKey(recorded, key string) bool {
	for one := range strings.SplitSeq(recorded, "\x01") {
		if one == key {
			return true
		}
	}
	return false
}

// checkHidden tells of rules of others that keep the sensor from seeing, the worst
// first, and again when there is another: many hosts have a harmless one for ever,
// which must not cover for one that hides all.
func (w *Watcher) checkHidden(hidden []auditrules.Finding) {
	hiding := slices.DeleteFunc(slices.Clone(hidden), func(one auditrules.Finding) bool { return one.Effect < auditrules.HidesSome })
	if len(hiding) == 0 {
		w.hiding.forget()
		w.Board.Clear(RulesShadowed, "", "no rule of others hides anything from the sensor any more", nil)
		return
	}
	slices.SortStableFunc(hiding, func(a, b auditrules.Finding) int { return cmp.Compare(b.Effect, a.Effect) })
	lines, texts := make([]string, len(hiding)), make([]string, len(hiding))
	for i, one := range hiding {
		lines[i], texts[i] = one.Line, one.Text
	}
	const shown = 16
	who, at := w.who(func(c Change) bool { return c.Operation == "add_rule" && !hasKey(c.Key, w.Key) })
	w.Board.Raise(Condition{
		Kind: RulesShadowed, Who: who, Since: w.since(at), Extent: w.hiding.of(lines),
		What: fmt.Sprintf("%d rules of others hide from the sensor what it looks for; the worst %s", len(hiding), texts[0]),
		Detail: map[string]any{
			"rules": lines[:min(shown, len(lines))], "effects": texts[:min(shown, len(texts))], "count": len(hiding),
		},
	})
}

// extent tells when a set of rules has one that it had not when it was told of.
type extent struct {
	told    map[string]bool
	version int
}

// maxExtent is how many rules are remembered to have been told of.
const maxExtent = 1024

// of gives another text than before where one of the rules is new.
func (e *extent) of(lines []string) string {
	lines = lines[:min(len(lines), maxExtent)]
	if !slices.ContainsFunc(lines, func(one string) bool { return !e.told[one] }) {
		return strconv.Itoa(e.version)
	}
	if e.told == nil || len(e.told) > maxExtent {
		e.told = make(map[string]bool)
	}
	for _, one := range lines {
		e.told[one] = true
	}
	e.version++
	return strconv.Itoa(e.version)
}

// forget begins anew, for when it is over.
func (e *extent) forget() { e.told = nil }

// mending counts attempts to mend one thing, so that the sensor never fights
// with somebody who undoes it again.
type mending struct {
	attempts int
	next     time.Time
	since    time.Time
}

// mendBurst attempts follow each other by mendSoon, more often each time by
// factor; what comes after them waits for mendLong.
const (
	mendBurst = 5
	mendSoon  = 2 * time.Second
	mendLong  = 30 * time.Minute
)

// due says that an attempt may be made now, and counts it.
func (m *mending) due(now time.Time) bool {
	if now.Before(m.next) {
		return false
	}
	if m.attempts >= mendBurst {
		m.attempts = 0
	}
	m.attempts++
	m.since = now
	m.next = now.Add(mendSoon << (2 * (m.attempts - 1)))
	if m.attempts >= mendBurst {
		m.next = now.Add(mendLong)
	}
	return true
}

// calm forgets attempts that were made long ago.
func (m *mending) calm(now time.Time) {
	if m.attempts > 0 && now.Sub(m.since) >= mendLong {
		*m = mending{}
	}
}
