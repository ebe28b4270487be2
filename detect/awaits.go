package detect

// AwaitsTime says whether a match waits for nothing but that time passes: its sequence
// is complete, and only an event of a trailing negative stage could rule it out.
func (e *Engine) AwaitsTime() bool {
	for _, r := range e.rules {
		if r.held.oldest != nil {
			return true
		}
	}
	return false
}
