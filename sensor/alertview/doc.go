// Package alertview shows alerts to people: as a table, as an account of one alert
// in the terminal, and as a page of HTML. Text that came from events is escaped
// for where it is shown.
package alertview
