package eql

// The bounds of what Parse accepts. They are far beyond what a person writes
// and keep the cost of a hostile query small.
const (
	// MaxQueryBytes is the length of the longest query.
	MaxQueryBytes = 1 << 20
	// MaxDepth is how deep parentheses, operators and calls may nest.
	MaxDepth = 250
	// MaxStages is the number of stages of a sequence or sample, each run of a
	// stage counted.
	MaxStages = 1000
	// MaxRuns is the largest N of "with runs=N".
	MaxRuns = 100
)
