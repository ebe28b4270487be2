package detect

// plan says how the stages of a sequence follow each other: which are negative,
// and between which positive ones they stand.
type plan struct {
	// first and last are the first and the last positive stage.
	first, last int
	// leading and trailing are the negative stages before the first and after
	// the last positive stage.
	leading, trailing []int
	// previous has for each positive stage the one before it, -1 for the first.
	previous []int
	// between has for each positive stage the negative ones between it and the
	// one before it.
	between [][]int
}

func newPlan(stages []stage) plan {
	p := plan{first: -1, last: -1, previous: make([]int, len(stages)), between: make([][]int, len(stages))}
	var negative []int
	for i := range stages {
		if stages[i].negative {
			negative = append(negative, i)
			continue
		}
		p.previous[i] = p.last
		if p.first < 0 {
			p.first, p.leading = i, negative
		} else {
			p.between[i] = negative
		}
		p.last, negative = i, nil
	}
	p.trailing = negative
	return p
}

// hasNegative reports whether any stage is negative.
func (c *Compiled) hasNegative() bool {
	for i := range c.stages {
		if c.stages[i].negative {
			return true
		}
	}
	return false
}
