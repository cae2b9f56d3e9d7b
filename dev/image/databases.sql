-- Run once by the PostgreSQL image on an empty volume: a database for each service.
CREATE DATABASE rengang_postings;
CREATE DATABASE rengang_seekers;
CREATE DATABASE rengang_certificates;
CREATE DATABASE rengang_matcher;
CREATE DATABASE rengang_talent;
