package alertview

import (
	"bytes"
	"fmt"
	"strings"

	"tripline/internal/termtext"
	"tripline/sensor/alert"
	"tripline/sensor/alertlog"
)

// ShownID is how many characters of an alert's id lists show. They are enough to
// name it.
const ShownID = 12

// column is one column of a table.
type column struct {
	title string
	cells []string
	// least is the width below which the column is not cut; 0 for never.
	least int
	// keepEnd says that a cell is cut at its beginning.
	keepEnd bool
}

func (c *column) width() int {
	widest := termtext.Width(c.title)
	for _, cell := range c.cells {
		widest = max(widest, termtext.Width(cell))
	}
	return widest
}

// columnGap is between the columns of a table.
const columnGap = 2

// Table lists alerts, one a line below a heading, in lines of at most so many
// columns of a terminal; cells that do not fit are cut. It names the host where
// there are several.
func Table(alerts []*alertlog.Alert, columns int) []byte {
	table := []*column{
		{title: "TIME (UTC)"},
		{title: "SEVERITY"},
		{title: "ID"},
		{title: "HOST", least: 8},
		{title: "PROCESS", least: 12, keepEnd: true},
		{title: "DESTINATION", least: 12},
		{title: "RULE", least: 12},
	}
	hosts := make(map[string]bool)
	for _, one := range alerts {
		hosts[one.Host] = true
		rule := alert.Escape(one.RuleName)
		if one.Test {
			rule = "(test) " + rule
		}
		for i, cell := range []string{
			one.Time.UTC().Format("2006-01-02 15:04:05"), alert.Escape(one.Severity), alert.Escape(first(one.ID, ShownID)),
			alert.Escape(one.Host), processCell(one),
			alert.Escape(one.Destination), rule,
		} {
			table[i].cells = append(table[i].cells, cell)
		}
	}
	if len(hosts) < 2 {
		table = append(table[:3], table[4:]...)
	}
	return layOut(table, columns)
}

// processCell names the process, or says for how many matches a summary stands.
func processCell(one *alertlog.Alert) string {
	switch {
	case one.More > 0:
		return fmt.Sprintf("(%d more matches)", one.More)
	case one.PID == 0:
		return alert.Escape(one.Process)
	}
	return fmt.Sprintf("%s (%d)", alert.Escape(one.Process), one.PID)
}

// first is the beginning of a text, at most n bytes.
func first(text string, n int) string {
	return text[:min(n, len(text))]
}

// layOut fits the columns into the width: the widest are cut first.
func layOut(table []*column, columns int) []byte {
	columns = min(max(columns, MinWidth), MaxWidth)
	widths := make([]int, len(table))
	total := columnGap * (len(table) - 1)
	for i, one := range table {
		widths[i] = one.width()
		total += widths[i]
	}
	for total > columns {
		widest := -1
		for i, one := range table {
			if one.least > 0 && widths[i] > one.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	var b bytes.Buffer
	row := func(cell func(*column) string) {
		var line strings.Builder
		for i, one := range table {
			if i > 0 {
				line.WriteString(strings.Repeat(" ", columnGap))
			}
			text := cell(one)
			if one.keepEnd {
				text = termtext.CutFront(text, widths[i])
			} else {
				text = termtext.Cut(text, widths[i])
			}
			line.WriteString(termtext.Pad(text, widths[i]))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	row(func(c *column) string { return c.title })
	for i := range table[0].cells {
		row(func(c *column) string { return c.cells[i] })
	}
	return b.Bytes()
}
