"""The standards' shapes: plain functions both ways over lossless JSON."""
