import { job, read } from "bicoastal";

export default job({
  name: "join",
  params: { orders: "", customers: "" },
  run: ({ orders, customers }) => {
    const byCustomer = read
      .csv(orders, { fields: { customer: "string", cents: "number" } })
      .map((row) => [row.customer, row.cents]);
    const customer = read
      .csv(customers, { fields: { customer: "string", region: "string", discount: "number" } })
      .keyBy((row) => row.customer);
    return byCustomer
      .join(customer)
      .map(([, [cents, { region, discount }]]) => [region, cents * (100 - discount)])
      .reduceByKey((a, b) => a + b)
      .sortBy(([region]) => region);
  },
});
