from locust import *
from headcount.plugin import LedgerUser
class A(LedgerUser):
  @task
  def x(self): pass
