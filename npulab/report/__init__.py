"""The report: records of builds and tests, and the one page that is made of them."""
