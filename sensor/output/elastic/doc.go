// Package elastic sends documents to Elasticsearch through its bulk API. A
// document's id is the alert's, and it is only ever created, so that sending it
// again makes no second one.
package elastic
