package alertlog

// joinWindow is how many alerts wait for their evidence, which follows within a
// second.
const joinWindow = 1024

// Joiner passes alerts on in their order, each once and with its evidence, in
// bounded memory.
type Joiner struct {
	emit    func(*Alert) error
	waiting []*Alert
	byID    map[string]*Alert
	late    uint64
}

// NewJoiner makes a joiner that passes alerts on to emit.
func NewJoiner(emit func(*Alert) error) *Joiner {
	return &Joiner{emit: emit, byID: make(map[string]*Alert)}
}

// Add takes what a Reader reads. The error is that of emit, or of a document that
// cannot be joined.
func (j *Joiner) Add(one *Alert) error {
	if known, ok := j.byID[one.ID]; ok {
		return known.join(one)
	}
	if one.Evidence {
		j.late++
		return nil
	}
	j.byID[one.ID] = one
	j.waiting = append(j.waiting, one)
	if len(j.waiting) <= joinWindow {
		return nil
	}
	return j.pass(1)
}

// Flush passes on what waits. No other call may follow.
func (j *Joiner) Flush() error { return j.pass(len(j.waiting)) }

// Late counts evidence without an alert that waits for it: the alert is not
// wanted, or too far away.
func (j *Joiner) Late() uint64 { return j.late }

// pass passes on the first that wait.
func (j *Joiner) pass(n int) error {
	for _, one := range j.waiting[:n] {
		delete(j.byID, one.ID)
		if err := j.emit(one); err != nil {
			return err
		}
	}
	j.waiting = j.waiting[n:]
	return nil
}
