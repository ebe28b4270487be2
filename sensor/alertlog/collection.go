package alertlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Collection holds a bounded number of alerts, the newest, each once. A document
// that has the evidence of an alert becomes part of it.
type Collection struct {
	most    int
	alerts  []*Alert
	byID    map[string]*Alert
	dropped uint64
}

// NewCollection makes a collection of at most so many alerts.
func NewCollection(most int) *Collection {
	return &Collection{most: most, byID: make(map[string]*Alert)}
}

// Add takes an alert. Its error is that of a document that cannot be joined.
func (c *Collection) Add(one *Alert) error {
	if known, ok := c.byID[one.ID]; ok {
		return known.join(one)
	}
	if one.Evidence { // of an alert that is not wanted
		return nil
	}
	c.byID[one.ID] = one
	c.alerts = append(c.alerts, one)
	if len(c.alerts) >= 2*c.most {
		c.trim()
	}
	return nil
}

// trim keeps the newest.
func (c *Collection) trim() {
	slices.SortStableFunc(c.alerts, func(a, b *Alert) int { return a.Time.Compare(b.Time) })
	surplus := max(0, len(c.alerts)-c.most)
	for _, one := range c.alerts[:surplus] {
		delete(c.byID, one.ID)
	}
	c.dropped += uint64(surplus)
	c.alerts = slices.Delete(c.alerts, 0, surplus)
}

// Alerts are the alerts, the newest last.
func (c *Collection) Alerts() []*Alert {
	c.trim()
	return c.alerts
}

// Dropped counts older alerts for which there was no room.
func (c *Collection) Dropped() uint64 { return c.dropped }

// join adds to an alert what another document of the same alert has and this one
// lacks.
func (a *Alert) join(other *Alert) error {
	if len(a.JSON) == 0 || bytes.Equal(a.JSON, other.JSON) {
		return nil
	}
	own, err := decode(a.JSON)
	if err != nil {
		return err
	}
	more, err := decode(other.JSON)
	if err != nil {
		return err
	}
	if !add(own, more) {
		return nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(own); err != nil {
		return fmt.Errorf("joining the documents of an alert: %w", err)
	}
	a.JSON = bytes.TrimSpace(text.Bytes())
	return nil
}

func decode(document []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var all map[string]any
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("joining the documents of an alert: %w", err)
	}
	return all, nil
}

// add puts into an object what it lacks of another and says whether that was
// anything.
func add(to, from map[string]any) bool {
	changed := false
	for name, value := range from {
		own, ok := to[name]
		if !ok {
			to[name], changed = value, true
			continue
		}
		inner, isObject := own.(map[string]any)
		other, alsoObject := value.(map[string]any)
		if isObject && alsoObject && add(inner, other) {
			changed = true
		}
	}
	return changed
}
