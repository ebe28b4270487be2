// Package eql reads the Event Query Language: text to tokens, tokens to a
// syntax tree, the tree back to text, and the tree against the types of fields.
// It evaluates nothing.
//
// The language is that of Elasticsearch. Everything that its grammar has is
// parsed, so that what is refused, such as a join, is refused by its name and
// not as a syntax error. Errors are of type *diag.Error, with the
// line and column in the query.
package eql
