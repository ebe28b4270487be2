package alertview

// MinWidth and MaxWidth bound the width, in columns of a terminal, for which
// something is laid out.
const (
	MinWidth = 60
	MaxWidth = 240
)
